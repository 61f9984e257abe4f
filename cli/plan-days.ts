import { z } from 'zod'
import { extractPart, planDay, type StalePart } from '../activities/plan-day.ts'
import type { Graph } from '../dag/graph.ts'
import { resolveInput } from '../dag/resolve-input.ts'
import { transformPart } from '../activities/day-parts.ts'
import type { Config } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { configuredSources, type Sources } from '../platform/sources.ts'
import { publishedShops } from '../schedules/published-shops.ts'
import { findDag } from '../schedules/schedules.ts'
import { UsageError } from './exit-codes.ts'
import { unknownDag } from './known-dag.ts'

export interface StaleTask {
  readonly task: string
  readonly tables: readonly string[]
  readonly reasons: readonly string[]
  /** What its last runs took on average; null where there is none on record. */
  readonly seconds: number | null
}

export interface PlannedRun {
  readonly date: string
  readonly tasks: readonly StaleTask[]
}

export interface Question {
  readonly dagId: string
  readonly from: string | undefined
  readonly to: string | undefined
}

/** The days of a DAG that are published or delivered, and what of them is stale. */
export async function planDays(
  database: Database,
  config: Config,
  { dagId, from, to }: Question,
): Promise<{ looked: number; stale: PlannedRun[] }> {
  const dag = findDag(dagId)
  if (dag === undefined) throw unknownDag(dagId)
  const published = publishedShops().find((candidate) => candidate.dagId === dagId)
  if (published === undefined) throw new UsageError(`error: the DAG ${dagId} publishes no shop`)
  const sources = configuredSources(config)
  const { shopId, orders, events, products } = published
  const names = [orders, events, products].filter((name) => name !== undefined)
  const shop = { shopId, sources: names }
  const dates =
    from !== undefined && from === to ? [from] : await knownDays(database, sources, names)
  const asked = dates.filter((date) => date >= (from ?? date) && date <= (to ?? date))
  const tasks = tasksByPart(dag.graph, sources)
  const seconds = await secondsByTask(database, dagId)
  const stale: PlannedRun[] = []
  // In the order in which they are run: a file that several days may bring belongs to the first of them.
  const brought = new Set<string>()
  for (const date of asked) {
    const { parts, brings } = await planDay(database, sources, shop, date, brought)
    if (parts.length === 0) continue
    for (const file of brings) brought.add(file)
    stale.push({ date, tasks: parts.flatMap((part) => asTask(part, tasks, seconds)) })
  }
  return { looked: asked.length, stale }
}

function asTask(
  { part, tables, reasons }: StalePart,
  tasks: ReadonlyMap<string, string>,
  seconds: ReadonlyMap<string, number>,
): StaleTask[] {
  const task = tasks.get(part)
  return task === undefined ? [] : [{ task, tables, reasons, seconds: seconds.get(task) ?? null }]
}

async function knownDays(
  database: Database,
  sources: Sources,
  names: readonly string[],
): Promise<string[]> {
  const { rows } = await database.query<{ date: string }>(
    'select distinct load_date as date from audit.published_loads where source = any ($1)',
    [names],
  )
  const delivered = await Promise.all(
    names.map(async (name) => (await sources.get(name)?.deliveredDays()) ?? []),
  )
  return [...new Set([...rows.map(({ date }) => date), ...delivered.flat()])].toSorted()
}

const partByActivity: Readonly<Record<string, string>> = {
  checkQuality: 'checks',
  loadDimDate: 'dim_date',
  loadDimUser: 'dim_user',
  loadDimProduct: 'dim_product',
  loadFactOrders: 'fact_orders',
  loadFactEvents: 'fact_events',
  computeDailyMetrics: 'daily_metrics',
  scoreAnomalies: 'metric_scores',
  publish: 'publish',
}

const OfSource = z.object({ source: z.string() })

/** Which task of a DAG makes a part of the day. */
export function tasksByPart({ tasks }: Graph, sources: Sources): Map<string, string> {
  const values = { date: '', params: {}, outputs: new Map() }
  return new Map(
    tasks.flatMap(({ id, activity, input }) => {
      const part = partByActivity[activity ?? '']
      if (part !== undefined) return [[part, id]]
      const source = OfSource.safeParse(resolveInput(input, values)).data?.source
      const contract = sources.get(source ?? '')?.contract
      if (contract === undefined) return []
      if (activity === 'extractSource') return [[extractPart(contract.source), id]]
      return activity === 'transformToStaging' ? [[transformPart(contract).name, id]] : []
    }),
  )
}

/** Mean of the last twenty times that each task did its work. */
async function secondsByTask(database: Database, dagId: string): Promise<Map<string, number>> {
  const { rows } = await database.query<{ task_id: string; seconds: number }>(
    `select task_id, avg(seconds)::float8 as seconds
     from (
       select attempt.task_id, attempt.seconds,
         row_number() over (partition by attempt.task_id order by attempt.started_at desc) as recency
       from audit.task_runs as attempt
       inner join audit.pipeline_runs as run on run.run_id = attempt.run_id
       where run.dag_id = $1 and attempt.state = 'success' and not attempt.is_up_to_date
         and attempt.seconds is not null
     ) as worked
     where recency <= 20 group by task_id`,
    [dagId],
  )
  return new Map(rows.map(({ task_id: task, seconds }) => [task, seconds]))
}
