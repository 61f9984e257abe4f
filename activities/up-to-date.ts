import { contractsOfShop } from '../domain/contracts/all-contracts.ts'
import type { Transaction } from '../platform/database.ts'
import {
  isUpToDate,
  noteFingerprint,
  readFingerprints,
  type MadeOf,
  type PartRecords,
} from '../platform/fingerprints.ts'
import { currentAttempt } from './current-attempt.ts'
import { partsOf, wouldBeMadeOf, type DayPart } from './day-parts.ts'

/** What a task says that found its part of the day up to date: what it said when it made it. */
export type MaybeUpToDate<Result> = Result & { readonly upToDate?: true }

export interface ShopDay {
  readonly shopId: string
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
}

export interface PartState {
  readonly isUpToDate: boolean
  readonly madeOf: MadeOf
  readonly records: PartRecords
}

/** A part of a shop's day by name. */
export function partNamed(shopId: string, name: string): DayPart {
  const part = partsOf(contractsOfShop(shopId)).find((candidate) => candidate.name === name)
  if (part === undefined) throw new Error(`A day of the shop ${shopId} has no part ${name}`)
  return part
}

export async function stateOfPart(
  transaction: Transaction,
  { shopId, date }: ShopDay,
  part: DayPart,
): Promise<PartState> {
  const recorded = await readFingerprints(transaction, shopId, date)
  const madeOf = await wouldBeMadeOf(transaction, part, date, recorded)
  const records = recorded.get(part.name) ?? {}
  return { isUpToDate: isUpToDate(records, madeOf), madeOf, records }
}

/**
 * Makes a part of a day and records what from, unless what is published is the same already: then
 * nothing is written, and the answer is the one of back then.
 */
export async function unlessUpToDate<Result extends object>(
  transaction: Transaction,
  day: ShopDay,
  part: DayPart,
  make: () => Promise<Result>,
): Promise<MaybeUpToDate<Result>> {
  const state = await stateOfPart(transaction, day, part)
  if (state.isUpToDate) return recordedResult<Result>(transaction, day, part)
  const result = await make()
  await notePart(transaction, day, part, state.madeOf, result)
  return result
}

export async function recordedResult<Result extends object>(
  transaction: Transaction,
  { shopId, date }: ShopDay,
  part: DayPart,
): Promise<MaybeUpToDate<Result>> {
  const { rows } = await transaction.query<{ result: Result }>(
    `select result from audit.fingerprints
     where shop_id = $1 and load_date = $2 and part = $3 and is_published`,
    [shopId, date, part.name],
  )
  const [published] = rows
  if (published === undefined) throw new Error(`${part.name} of ${date} was never published`)
  return { ...published.result, upToDate: true }
}

export async function notePart(
  transaction: Transaction,
  { shopId, date }: ShopDay,
  part: DayPart,
  madeOf: MadeOf,
  result: object,
): Promise<void> {
  const { runId } = currentAttempt()
  await noteFingerprint(transaction, { shopId, date, part: part.name }, madeOf, { result, runId })
}

/** The run whose checks let the day pass: an earlier one, where they are up to date. */
export async function checksRun(transaction: Transaction, day: ShopDay): Promise<string> {
  const { waiting, published } =
    (await readFingerprints(transaction, day.shopId, day.date)).get('checks') ?? {}
  return (waiting ?? published)?.run_id ?? currentAttempt().runId
}
