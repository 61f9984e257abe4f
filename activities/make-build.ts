import type { TableChange } from '../platform/apply-table.ts'
import { publishedTables, shopVersion, tablesOfBuild, type Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'
import { readFingerprints } from '../platform/fingerprints.ts'
import { tableExists } from '../platform/partitions.ts'
import { loadsOf, type LoadPlan } from './load.ts'
import { keepPublished } from './require-built.ts'
import { notePart, partNamed, stateOfPart } from './up-to-date.ts'

/** Parts of a build that other families of activities make: metrics and scores, by their tables. */
export interface BuildParts {
  readonly tables: Readonly<
    Record<string, (transaction: Transaction, build: Build) => Promise<object>>
  >
  readonly publishAnomalies: (transaction: Transaction, build: Build) => Promise<TableChange>
}

/** Whether publishing would change nothing: every table is up to date, and nothing of the day waits. */
export async function isPublished(
  transaction: Transaction,
  build: Build,
  stale: readonly string[],
): Promise<boolean> {
  if (stale.length > 0) return false
  const records = await readFingerprints(transaction, build.shopId, build.date)
  return [...records.values()].every(({ waiting }) => waiting === undefined)
}

/** Whether the build has every table that is not up to date, from the version that is published now. */
export async function isCurrent(
  transaction: Transaction,
  build: Build,
  stale: readonly string[],
): Promise<boolean> {
  if (!(await tableExists(transaction, `${build.schema}.built_from`))) return false
  const { made } = await tablesOfBuild(transaction, build)
  if (stale.some((table) => !made.has(table))) return false
  const { rows } = await transaction.query(
    `select from ${build.schema}.built_from where version is distinct from $1 limit 1`,
    [await shopVersion(transaction, build.shopId)],
  )
  return rows.length === 0
}

/** Makes every table of the day anew that is not up to date, in the order in which they read each other. */
export async function makeBuild(
  transaction: Transaction,
  build: Build,
  plan: LoadPlan,
  parts: BuildParts,
): Promise<void> {
  const loads = loadsOf(plan)
  for (const table of tablesOf(plan)) {
    const part = partNamed(build.shopId, table)
    const { isUpToDate, madeOf } = await stateOfPart(transaction, build, part)
    const load = loads[table]
    const make = parts.tables[table]
    if (isUpToDate) {
      await keepPublished(transaction, build, table)
    } else if (load) {
      const rowsOut = await load(transaction, build, plan)
      await notePart(transaction, build, part, madeOf, { rowsOut })
    } else if (make) {
      await notePart(transaction, build, part, madeOf, await make(transaction, build))
    }
  }
}

function tablesOf(plan: LoadPlan): string[] {
  const names = publishedTables.map(({ table }) => table)
  return names.filter((table) => table !== 'fact_events' || plan.hasEvents)
}

/** The tables of the day that are not up to date. */
export async function staleTables(
  transaction: Transaction,
  build: Build,
  plan: LoadPlan,
): Promise<string[]> {
  const stale: string[] = []
  for (const table of tablesOf(plan)) {
    const { isUpToDate } = await stateOfPart(transaction, build, partNamed(build.shopId, table))
    if (!isUpToDate) stale.push(table)
  }
  return stale
}
