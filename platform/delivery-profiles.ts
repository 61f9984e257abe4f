import type { Transaction } from './database.ts'

/** The profile of a day's candidate becomes the day's, in the place of what was published before. */
export async function publishProfile(
  transaction: Transaction,
  source: string,
  date: string,
): Promise<void> {
  await transaction.query(
    `delete from audit.delivery_profiles as old
     where source = $1 and load_date = $2 and not is_candidate and exists (
       select from audit.delivery_profiles as new
       where new.source = old.source and new.load_date = old.load_date and new.is_candidate)`,
    [source, date],
  )
  await transaction.query(
    `update audit.delivery_profiles set is_candidate = false
     where source = $1 and load_date = $2 and is_candidate`,
    [source, date],
  )
}
