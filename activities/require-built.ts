import { ApplicationFailure } from '@temporalio/activity'
import { failureTypes } from '../domain/failures.ts'
import type { Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'

/**
 * Refuses to go on from tables that the run has not built: publishing a day takes its build away, so
 * a task cleared alone afterwards has nothing to stand on.
 * @throws BuildMissing (never retried)
 */
export async function requireBuilt(
  transaction: Transaction,
  { schema, runKey }: Build,
  tables: readonly string[],
): Promise<void> {
  const found = await transaction.query<{ table_name: string }>(
    'select table_name from information_schema.tables where table_schema = $1',
    [schema],
  )
  const built = new Set(found.rows.map((row) => row.table_name))
  const missing = tables.filter((table) => !built.has(table))
  if (missing.length === 0) return
  throw ApplicationFailure.nonRetryable(
    `The build of ${runKey} has no ${missing.join(', ')}: it was published, or never made. ` +
      `Run the loads again too: daybook clear ${runKey} --task dq_checks`,
    failureTypes.buildMissing,
  )
}
