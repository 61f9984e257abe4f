import { ApplicationFailure } from '@temporalio/activity'
import { failureTypes } from '../domain/failures.ts'
import { keepTable, noteMoved, openBuild, tablesOfBuild, type Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'
import { partNamed, stateOfPart } from './up-to-date.ts'

/**
 * Sees to it that a build has these tables: those that are up to date are taken into it as they are
 * published. Refuses to go on from others that the run has not built: publishing a day takes its build
 * away, so a task cleared alone afterwards may have nothing to stand on.
 * @throws BuildMissing (never retried)
 */
export async function requireBuilt(
  transaction: Transaction,
  build: Build,
  tables: readonly string[],
): Promise<void> {
  await openBuild(transaction, build)
  const { made, kept } = await tablesOfBuild(transaction, build)
  const missing: string[] = []
  for (const table of tables) {
    if (made.has(table)) continue
    const { isUpToDate } = await stateOfPart(transaction, build, partNamed(build.shopId, table))
    if (!isUpToDate) missing.push(table)
    else if (!kept.has(table)) await keepPublished(transaction, build, table)
  }
  if (missing.length === 0) return
  throw ApplicationFailure.nonRetryable(
    `The build of ${build.runKey} has no ${missing.join(', ')}: it was published, or never made. ` +
      `Run the loads again too: daybook clear ${build.runKey} --task dq_checks`,
    failureTypes.buildMissing,
  )
}

/** Takes a table into the build as it is published; of a dimension, no member has moved. */
export async function keepPublished(
  transaction: Transaction,
  build: Build,
  table: string,
): Promise<void> {
  await keepTable(transaction, build, table)
  await noteMovedMembers(transaction, build, table)
}

const movedMembers: Readonly<Record<string, Readonly<Record<string, string[]>>>> = {
  dim_user: { moved_users: ['user_id'] },
  dim_product: {
    moved_products: ['vendor_id', 'product_id'],
    moved_event_products: ['product_id'],
  },
}

/** Notes which members of a dimension the build moves; does nothing for other tables. */
export async function noteMovedMembers(
  transaction: Transaction,
  build: Build,
  dimension: string,
): Promise<void> {
  for (const [table, key] of Object.entries(movedMembers[dimension] ?? {})) {
    await noteMoved(transaction, build, { table, key })
  }
}
