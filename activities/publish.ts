import type { Contract, Family } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import type { Attempt } from '../platform/attempt.ts'
import { buildFor, publishedTables, shopVersion, type Build } from '../platform/build.ts'
import { acceptCandidate, giveUpTakenOver, takeOver } from '../platform/candidates.ts'
import { publishProfile } from '../platform/delivery-profiles.ts'
import { publishFingerprints } from '../platform/fingerprints.ts'
import { publishFixes } from '../platform/fixes-in-force.ts'
import { sourceNamed } from './source-named.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { ensurePartition } from '../platform/partitions.ts'
import { applyTable, type TableChange } from '../platform/apply-table.ts'
import type { Sources } from '../platform/sources.ts'
import {
  isLockTimeout,
  limitLockWaits,
  LockHeldError,
  longTransactions,
} from '../platform/lock-wait.ts'
import { currentAttempt } from './current-attempt.ts'
import { judgeWhatIsLeft } from './judge-what-is-left.ts'
import { planLoad, type LoadInput } from './load.ts'
import { isCurrent, isPublished, makeBuild, staleTables, type BuildParts } from './make-build.ts'
import {
  isPublishedAgain,
  readMainFigures,
  restatementOf,
  type Restatement,
} from './restatement.ts'
import { checksRun, type MaybeUpToDate } from './up-to-date.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface PublishResult {
  readonly version: number
  readonly rowsOut: number
  readonly changes: Readonly<Record<string, TableChange>>
}

const businessDateColumns: Readonly<Record<string, string>> = {
  fact_orders: 'order_date',
  fact_events: 'event_date',
}

export function createPublishActivities(deps: {
  database: Database
  sources: Sources
  parts: BuildParts
  /** How long publishing waits for a lock that somebody outside holds. */
  lockLimitMs?: number
}) {
  const { lockLimitMs = 30_000 } = deps
  return {
    /**
     * Makes the day visible: dimensions, facts, metrics and findings go from the old state to the new
     * one in one transaction, moving only rows that differ. A build made before another day of the
     * shop was published is made again first. Repeatable; does nothing when all of it is up to date.
     * Nobody queues behind it: a lock that somebody keeps from it makes it give up, and be tried again.
     * @throws LockHeldError naming the sessions that may hold the lock (retried)
     */
    async publish(input: LoadInput): Promise<MaybeUpToDate<PublishResult>> {
      const attempt = currentAttempt()
      const build = buildFor(attempt.runKey, input.shopId)
      const published = writeInAttempt(deps.database, async (transaction) => {
        const version = await lockShop(transaction, input.shopId)
        await limitLockWaits(transaction, lockLimitMs)
        const earlier = await publishedBy(transaction, input, attempt.runId)
        if (earlier) return earlier
        const contracts = contractsOf(deps.sources, input)
        await giveUpTakenOver(transaction, contracts, input.date)
        const plan = await planLoad(transaction, deps.sources, input)
        const stale = await staleTables(transaction, build, plan)
        if (await isPublished(transaction, build, stale)) return nothingToPublish(version)
        const isJudgedAnew = await judgeWhatIsLeft(transaction, input, contracts, plan)
        if (isJudgedAnew || !(await isCurrent(transaction, build, stale))) {
          await makeBuild(transaction, build, plan, deps.parts)
        }
        const before = (await isPublishedAgain(transaction, build))
          ? await readMainFigures(transaction, build)
          : undefined
        const { changes, rows } = await applyTables(transaction, build)
        changes.anomalies = await deps.parts.publishAnomalies(transaction, build)
        await takeOver(transaction, input.date, contracts.map(stagingTable), plan.takenOver)
        for (const contract of contracts) await dateLoadsAnew(transaction, contract, plan.takenOver)
        for (const contract of contracts) {
          const table = stagingTable(contract)
          const candidate = plan.candidates.get(table)
          if (candidate) await acceptCandidate(transaction, table, candidate, input.date)
          await publishProfile(transaction, contract.source, input.date)
        }
        await recordPublication(
          transaction,
          input,
          deps.sources,
          attempt.runId,
          version + 1,
          changes,
          before && restatementOf(before, await readMainFigures(transaction, build), rows),
        )
        await transaction.query(`drop schema ${build.schema} cascade`)
        return { version: version + 1, rowsOut: rowsIn(changes), changes }
      })
      return published.catch(async (error: unknown) => {
        throw isLockTimeout(error) ? await lockHeld(deps.database, attempt, lockLimitMs) : error
      })
    },
  }
}

async function lockHeld(database: Database, { runKey }: Attempt, limitMs: number) {
  const sessions = await longTransactions(database, limitMs)
  return new LockHeldError(
    `${runKey} is not published: a lock was held by somebody else for ${limitMs} ms. Nothing was ` +
      `written, and publishing is tried again; what may hold it: ${sessions.join('; ') || 'gone by now'}`,
  )
}

async function lockShop(transaction: Transaction, shopId: string): Promise<number> {
  await transaction.query(
    'insert into audit.shop_versions values ($1, 0) on conflict (shop_id) do nothing',
    [shopId],
  )
  await transaction.query('select from audit.shop_versions where shop_id = $1 for update', [shopId])
  return shopVersion(transaction, shopId)
}

function nothingToPublish(version: number): MaybeUpToDate<PublishResult> {
  const unchanged = { inserted: 0, deleted: 0 }
  const tables = [...publishedTables.map(({ table }) => table), 'anomalies']
  const changes = Object.fromEntries(tables.map((table) => [table, unchanged]))
  return { version, rowsOut: 0, changes, upToDate: true }
}

async function applyTables(
  transaction: Transaction,
  build: Build,
): Promise<{ changes: Record<string, TableChange>; rows: Restatement['rows'] }> {
  const changes: Record<string, TableChange> = {}
  const rows: Restatement['rows'][number][] = []
  for (const { table, scopeKey } of await builtTables(transaction, build)) {
    const partitionedBy = businessDateColumns[table]
    const partitions = partitionedBy
      ? await ensurePartitions(transaction, build, table, partitionedBy)
      : [`warehouse.${table}`]
    const dateColumn = partitionedBy ?? scopeKey.find((column) => column === 'metric_date')
    const applied = await applyTable(transaction, build.schema, table, scopeKey, dateColumn)
    const { byDate, ...change } = applied
    changes[table] = change
    rows.push(...byDate.map((moved) => ({ table, ...moved })))
    // The next day's plans depend on statistics that autovacuum would bring too late.
    if (change.inserted > 0 && partitions.length > 0) {
      await transaction.query(`analyze ${partitions.join(', ')}`)
    }
  }
  return { changes, rows }
}

async function builtTables(transaction: Transaction, build: Build) {
  const built = await transaction.query<{ table_name: string }>(
    `select table_name from ${build.schema}.built_from`,
  )
  const names = new Set(built.rows.map((row) => row.table_name))
  return publishedTables.filter(({ table }) => names.has(table))
}

/**
 * Makes the partitions that the build has rows for. Returns those whose statistics will be out of date:
 * that have none, or of whose rows the build has more than a tenth; a few late records change none.
 */
async function ensurePartitions(
  transaction: Transaction,
  build: Build,
  table: string,
  dateColumn: string,
): Promise<string[]> {
  const built = await transaction.query<{ date: string; rows: number }>(
    `select ${dateColumn} as date, count(*) as rows from ${build.schema}.${table} group by 1 order by 1`,
  )
  const partitions: string[] = []
  for (const { date } of built.rows) {
    partitions.push(await ensurePartition(transaction, `warehouse.${table}`, date))
  }
  const outdated = await transaction.query<{ partition: string }>(
    `select partition from unnest($1::text[], $2::bigint[]) as built (partition, rows)
     inner join pg_class on pg_class.oid = partition::regclass where rows > reltuples / 10`,
    [partitions, built.rows.map(({ rows }) => rows)],
  )
  return outdated.rows.map(({ partition }) => partition)
}

async function recordPublication(
  transaction: Transaction,
  input: LoadInput,
  sources: Sources,
  runId: string,
  version: number,
  changes: Readonly<Record<string, TableChange>>,
  restatement: Restatement | undefined,
): Promise<void> {
  await transaction.query('update audit.shop_versions set version = $2 where shop_id = $1', [
    input.shopId,
    version,
  ])
  await transaction.query(
    `insert into audit.publications (shop_id, version, run_id, logical_date, changes, restatement)
     values ($1, $2, $3, $4, $5, $6)`,
    [input.shopId, version, runId, input.date, JSON.stringify(changes), restatement ?? null],
  )
  const checkedBy = await checksRun(transaction, input)
  for (const contract of contractsOf(sources, input)) {
    await recordLoad(transaction, contract, input.date, checkedBy)
    await publishFixes(transaction, contract, input.date)
  }
  await publishFingerprints(transaction, input.shopId, input.date)
}

async function recordLoad(
  transaction: Transaction,
  contract: Contract,
  date: string,
  runId: string,
): Promise<void> {
  await transaction.query(
    `insert into audit.published_loads (source, load_date, run_id, business_dates,
       records_received, records_loaded, records_quarantined, records_duplicate)
     select $1, $2, $3, staged.business_dates, files.*
     from (
       select ${businessDatesOf(contract, '$2')} as business_dates
     ) staged
     cross join (
       select sum(records_received), coalesce(sum(records_loaded), 0),
         coalesce(sum(records_quarantined), 0), coalesce(sum(records_duplicate), 0)
       from audit.source_files where source = $1 and load_date = $2 and state <> 'superseded'
     ) files
     on conflict (source, load_date) do update
       set (run_id, business_dates, published_at, records_received, records_loaded,
         records_quarantined, records_duplicate) = row(excluded.run_id, excluded.business_dates, now(),
         excluded.records_received, excluded.records_loaded, excluded.records_quarantined,
         excluded.records_duplicate)`,
    [contract.source, date, runId],
  )
}

/** The business dates that the deliveries still have of which files were taken over. */
async function dateLoadsAnew(
  transaction: Transaction,
  contract: Contract,
  files: readonly number[],
): Promise<void> {
  if (files.length === 0) return
  await transaction.query(
    `update audit.published_loads as load
     set business_dates = ${businessDatesOf(contract, 'load.load_date')}
     where source = $1 and load_date in (
       select file.load_date from audit.source_files as file
       where file.source = $1 and file.file_id = any($2))`,
    [contract.source, files],
  )
}

/** Of what is staged of a delivery; `date` is an expression of SQL. */
function businessDatesOf(contract: Contract, date: string): string {
  return `(select coalesce(array_agg(distinct ${businessDate[contract.family]}), '{}')
    from ${stagingTable(contract)} as staged where staged.load_date = ${date})`
}

const businessDate: Readonly<Record<Family, string>> = {
  order_lines: 'order_date',
  events: 'event_date',
  products: 'load_date',
}

function contractsOf(sources: Sources, input: LoadInput): Contract[] {
  const names = [input.orders, input.events, input.products].filter((name) => name !== undefined)
  return names.map((name) => sourceNamed(sources, name).contract)
}

/** What this run has published already, when only the reply to it was lost. */
async function publishedBy(
  transaction: Transaction,
  { shopId, date }: LoadInput,
  runId: string,
): Promise<PublishResult | undefined> {
  const found = await transaction.query<Omit<PublishResult, 'rowsOut'>>(
    `select version, changes from audit.publications
     where shop_id = $1 and logical_date = $2 and run_id = $3`,
    [shopId, date, runId],
  )
  const [publication] = found.rows
  return publication && { ...publication, rowsOut: rowsIn(publication.changes) }
}

function rowsIn(changes: Readonly<Record<string, TableChange>>): number {
  return Object.values(changes).reduce((sum, change) => sum + change.inserted, 0)
}
