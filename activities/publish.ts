import { publishedTables, buildFor, shopVersion, type Build } from '../platform/build.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { ensurePartition } from '../platform/partitions.ts'
import { applyTable, type TableChange } from '../platform/apply-table.ts'
import type { Sources } from '../platform/sources.ts'
import { currentAttempt } from './current-attempt.ts'
import { loadAll, planLoad, type LoadInput, type LoadPlan } from './load.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface PublishResult {
  readonly version: number
  readonly rowsOut: number
  readonly changes: Readonly<Record<string, TableChange>>
}

/** Parts of a build that other families of activities make: metrics, then scores. */
export interface BuildParts {
  rebuild: (transaction: Transaction, build: Build, input: LoadInput) => Promise<void>
  publishAnomalies: (transaction: Transaction, build: Build) => Promise<TableChange>
}

const businessDateColumns: Readonly<Record<string, string>> = {
  fact_orders: 'order_date',
  fact_events: 'event_date',
}

export function createPublishActivities(deps: {
  database: Database
  sources: Sources
  parts: BuildParts
}) {
  return {
    /**
     * Makes the day visible: dimensions, facts, metrics and findings go from the old state to the new
     * one in one transaction, moving only rows that differ. A build made before another day of the
     * shop was published is made again first. Repeatable.
     */
    async publish(input: LoadInput): Promise<PublishResult> {
      const attempt = currentAttempt()
      const build = buildFor(attempt.runKey, input.shopId)
      const plan = planLoad(deps.sources, input)
      return writeInAttempt(deps.database, async (transaction) => {
        const version = await lockShop(transaction, input.shopId)
        if (!(await isCurrent(transaction, build))) {
          await loadAll(transaction, build, plan)
          await deps.parts.rebuild(transaction, build, input)
        }
        const changes = await applyTables(transaction, build)
        changes.anomalies = await deps.parts.publishAnomalies(transaction, build)
        await recordPublication(transaction, input, plan, attempt.runId, version + 1, changes)
        await transaction.query(`drop schema ${build.schema} cascade`)
        const rowsOut = Object.values(changes).reduce((sum, change) => sum + change.inserted, 0)
        return { version: version + 1, rowsOut, changes }
      })
    },
  }
}

async function lockShop(transaction: Transaction, shopId: string): Promise<number> {
  await transaction.query(
    'insert into audit.shop_versions values ($1, 0) on conflict (shop_id) do nothing',
    [shopId],
  )
  await transaction.query('select from audit.shop_versions where shop_id = $1 for update', [shopId])
  return shopVersion(transaction, shopId)
}

/** Every table built, and from the version that is published now. */
async function isCurrent(transaction: Transaction, build: Build): Promise<boolean> {
  const schema = await transaction.query('select from pg_namespace where nspname = $1', [
    build.schema,
  ])
  if (schema.rowCount === 0) return false
  const built = await transaction.query<{ tables: number; stale: number }>(
    `select count(*)::integer as tables,
       count(*) filter (where built.version is distinct from
         (select version from audit.shop_versions where shop_id = $1))::integer as stale
     from ${build.schema}.built_from built`,
    [build.shopId],
  )
  const { tables, stale } = built.rows[0] ?? { tables: 0, stale: 0 }
  return tables >= publishedTables.length && stale === 0
}

async function applyTables(
  transaction: Transaction,
  build: Build,
): Promise<Record<string, TableChange>> {
  const changes: Record<string, TableChange> = {}
  for (const { table, scopeKey } of await builtTables(transaction, build)) {
    const dateColumn = businessDateColumns[table]
    const partitions = dateColumn
      ? await ensurePartitions(transaction, build, table, dateColumn)
      : [`warehouse.${table}`]
    const change = await applyTable(transaction, build.schema, table, scopeKey)
    changes[table] = change
    // The next day's plans depend on statistics that autovacuum would bring too late.
    if (change.inserted > 0) await transaction.query(`analyze ${partitions.join(', ')}`)
  }
  return changes
}

async function builtTables(transaction: Transaction, build: Build) {
  const built = await transaction.query<{ table_name: string }>(
    `select table_name from ${build.schema}.built_from`,
  )
  const names = new Set(built.rows.map((row) => row.table_name))
  return publishedTables.filter(({ table }) => names.has(table))
}

async function ensurePartitions(
  transaction: Transaction,
  build: Build,
  table: string,
  dateColumn: string,
): Promise<string[]> {
  const dates = await transaction.query<{ date: string }>(
    `select distinct ${dateColumn} as date from ${build.schema}.${table} order by 1`,
  )
  const partitions: string[] = []
  for (const { date } of dates.rows) {
    partitions.push(await ensurePartition(transaction, `warehouse.${table}`, date))
  }
  return partitions
}

async function recordPublication(
  transaction: Transaction,
  input: LoadInput,
  plan: LoadPlan,
  runId: string,
  version: number,
  changes: Readonly<Record<string, TableChange>>,
): Promise<void> {
  await transaction.query('update audit.shop_versions set version = $2 where shop_id = $1', [
    input.shopId,
    version,
  ])
  await transaction.query(
    `insert into audit.publications (shop_id, version, run_id, logical_date, changes)
     values ($1, $2, $3, $4, $5)`,
    [input.shopId, version, runId, input.date, JSON.stringify(changes)],
  )
  const loads = [
    [input.orders, 'staging.order_lines', 'order_date'],
    [input.events, 'staging.events', 'event_date'],
    [input.products, 'staging.products', 'load_date'],
  ] as const
  for (const [source, table, dateColumn] of loads) {
    if (source)
      await recordLoad(
        transaction,
        source,
        plan.stagingTables[table] ?? table,
        dateColumn,
        input.date,
        runId,
      )
  }
}

async function recordLoad(
  transaction: Transaction,
  source: string,
  stagingTable: string,
  dateColumn: string,
  date: string,
  runId: string,
): Promise<void> {
  await transaction.query(
    `insert into audit.published_loads (source, load_date, run_id, business_dates)
     select $1, $2, $3, coalesce(array_agg(distinct ${dateColumn}), '{}')
     from ${stagingTable} staged where load_date = $2
     on conflict (source, load_date) do update
       set run_id = excluded.run_id, business_dates = excluded.business_dates, published_at = now()`,
    [source, date, runId],
  )
}
