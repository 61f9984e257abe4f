import { randomUUID } from 'node:crypto'
import { ApplicationFailure } from '@temporalio/common'
import { createQualityActivities, type CheckQualityInput } from '../activities/check-quality.ts'
import { createExtractActivities } from '../activities/extract.ts'
import { createLoadActivities } from '../activities/load.ts'
import { createPublishActivities } from '../activities/publish.ts'
import { createTransformActivities } from '../activities/transform.ts'
import { candidateTable } from '../platform/candidates.ts'
import { loadConfig } from '../platform/config.ts'
import { inTransaction, type Database } from '../platform/database.ts'
import type { JudgedDelivery, JudgeJob, Outcome } from '../platform/judged-delivery.ts'
import { configuredSources, type Sources } from '../platform/sources.ts'
import { digestTables } from '../platform/table-digests.ts'
import { runActivity } from './run-activity.ts'

const dagId = 'ecommerce_daily'
const noParts = {
  tables: {},
  publishAnomalies: async () => ({ inserted: 0, deleted: 0 }),
}

export interface JudgeOptions {
  /** Other contracts than the shipped ones. */
  readonly withContracts?: (sources: Sources) => Sources
}

/**
 * Publishes the days of the history in an empty database with all migrations, then takes each
 * delivery through extract, transform and checks as the batch does, each as if it were the only one.
 */
export async function* judgeDeliveries(
  database: Database,
  job: JudgeJob,
  { withContracts = (sources) => sources }: JudgeOptions = {},
): AsyncGenerator<JudgedDelivery> {
  const sourcesIn = (landingDir: string) =>
    withContracts(
      configuredSources(loadConfig({ LANDING_DIR: landingDir, SHOP_TIME_ZONE: job.timeZone })),
    )
  const past = sourcesIn(job.history.landingDir)
  for (const date of job.history.dates) await publishDay(database, past, date)
  for (const { id, source, landingDir } of job.deliveries) {
    await forgetDelivery(database, past, source, job.date)
    const delivery = { sources: sourcesIn(landingDir), source, date: job.date }
    yield { id, outcome: await judgeDelivery(database, delivery) }
  }
}

interface Delivery {
  readonly sources: Sources
  readonly source: string
  readonly date: string
}

type Work = <Input, Output>(
  taskId: string,
  activity: (input: Input) => Promise<Output>,
  input: Input,
) => Promise<Output>

/** Tasks of one run, outside any workflow. */
function workOf(database: Database, date: string, runId: string): Work {
  return (taskId, activity, input) =>
    runActivity(database, { runKey: `${dagId}/${date}`, taskId, runId }, activity, input)
}

async function publishDay(database: Database, sources: Sources, date: string): Promise<void> {
  const work = workOf(database, date, randomUUID())
  const deps = { database, sources }
  const extract = createExtractActivities(deps)
  const productsDue = await work('products_due', (day) => extract.chooseProducts(day), { date })
  const staged = ['orders', 'events', ...(productsDue.length > 0 ? ['products'] : [])]
  for (const source of staged) await stageSource(work, database, { sources, source, date })
  await checkSources(work, database, date, staged)
  const load = createLoadActivities(deps)
  const day = { date, shopId: 'main', orders: 'orders', events: 'events', products: 'products' }
  await work('load_dim_date', (input) => load.loadDimDate(input), day)
  await work('load_dim_user', (input) => load.loadDimUser(input), day)
  await work('load_dim_product', (input) => load.loadDimProduct(input), day)
  await work('load_fact_orders', (input) => load.loadFactOrders(input), day)
  await work('load_fact_events', (input) => load.loadFactEvents(input), day)
  const publishing = createPublishActivities({ ...deps, parts: noParts })
  await work('publish', (input) => publishing.publish(input), day)
}

async function stageSource(work: Work, database: Database, delivery: Delivery): Promise<void> {
  const { sources, source, date } = delivery
  const deps = { database, sources }
  const extract = createExtractActivities(deps)
  const transform = createTransformActivities(deps)
  await work(`extract_${source}`, (input) => extract.extractSource(input), { date, source })
  await work(`transform_${source}_to_staging`, (input) => transform.transformToStaging(input), {
    date,
    source,
  })
}

async function checkSources(
  work: Work,
  database: Database,
  date: string,
  names: readonly string[],
) {
  const quality = createQualityActivities({ database })
  const input = { date, dagId, sources: tablesOf(names) }
  await work('dq_checks', (day: CheckQualityInput) => quality.checkQuality(day), input)
}

function tablesOf(sources: readonly string[]): Record<string, string> {
  return Object.fromEntries(sources.map((source) => [source, `staging.${source}_clean`]))
}

async function judgeDelivery(database: Database, delivery: Delivery): Promise<Outcome> {
  const { source, date } = delivery
  const runId = randomUUID()
  const work = workOf(database, date, runId)
  const judge = async () => {
    await stageSource(work, database, delivery)
    await checkSources(work, database, date, [source])
  }
  const refused = await refusalOf(judge)
  return { refused, ...(await readOutcome(database, delivery, runId)) }
}

/** A failed check is no refusal: its result is read with the others. */
async function refusalOf(judge: () => Promise<void>): Promise<Outcome['refused']> {
  try {
    await judge()
    return null
  } catch (error) {
    if (!(error instanceof ApplicationFailure) || !error.type) throw error
    return error.type === 'ChecksFailed' ? null : { type: error.type, message: error.message }
  }
}

async function readOutcome(
  database: Database,
  { sources, source, date }: Delivery,
  runId: string,
): Promise<Omit<Outcome, 'refused'>> {
  const { rows } = await database.query<Omit<Outcome, 'refused' | 'digest'>>(
    `select
       coalesce((select jsonb_object_agg(rule, records) from (
         select rule, count(*) as records from audit.bad_records cross join unnest(rules) as rule
         where source = $1 and load_date = $2 group by rule) as broken), '{}') as quarantined,
       (select count(*) from audit.duplicate_records where source = $1 and load_date = $2)
         + (select coalesce(sum(records_duplicate), 0)::bigint from audit.source_files
            where source = $1 and load_date = $2 and state = 'duplicate') as duplicates,
       array(select check_id from audit.dq_results
         where run_id = $3 and not is_passed order by check_id) as "failedChecks"`,
    [source, date, runId],
  )
  const [found] = rows
  if (!found) throw new Error('PostgreSQL gave no outcome')
  return { ...found, digest: await digestCandidate(database, sources, source, date) }
}

async function digestCandidate(database: Database, sources: Sources, source: string, date: string) {
  const contract = sources.get(source)?.contract
  if (!contract) return null
  const [schema, table = ''] = candidateTable(contract, date).split('.')
  const leftOut = ['file_id', 'record_no', 'load_date']
  const found = await database.query('select where to_regclass($1) is not null', [
    `${schema}.${table}`,
  ])
  if (found.rowCount === 0) return null
  const digests = await digestTables(database, schema, [{ table, leftOut }])
  return digests[table]?.digest ?? null
}

/** What was delivered for the day before is as if it had never come. */
async function forgetDelivery(database: Database, sources: Sources, source: string, date: string) {
  const contract = sources.get(source)?.contract
  await inTransaction(database, async (transaction) => {
    for (const table of ['audit.bad_records', 'audit.duplicate_records', 'audit.source_files']) {
      await transaction.query(`delete from ${table} where source = $1 and load_date = $2`, [
        source,
        date,
      ])
    }
    await transaction.query(`delete from raw.${source} where load_date = $1`, [date])
    if (contract) await transaction.query(`drop table if exists ${candidateTable(contract, date)}`)
  })
}
