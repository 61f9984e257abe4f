import type { Consumer, DatasetWait } from '../dag/dataset-waits.ts'
import { findWaits } from '../dag/dataset-waits.ts'
import { conditionInWords, datasetsIn } from '../dag/datasets.ts'
import type { Graph } from '../dag/graph.ts'
import type { Database } from '../platform/database.ts'
import { datasetLedger } from '../platform/datasets.ts'

export interface DatasetsReport {
  readonly datasets: DatasetRow[]
  /** The runs that events ask for, and what each lacks. */
  readonly waits: DatasetWait[]
}

interface DatasetRow {
  readonly dataset: string
  /** `<dag>.<task>` */
  readonly written_by: string[]
  readonly consumers: { dag_id: string; datasets: string }[]
  readonly events: number
  readonly latest: LatestEvent | null
}

interface LatestEvent {
  readonly date: string
  readonly recorded_at: Date
  /** A run key, or a person. */
  readonly by: string
}

type AnyDag = Consumer & { readonly graph: Graph }

/** Datasets that DAGs know or that have events, in the order of their names. */
export async function readDatasets(
  database: Database,
  dags: readonly AnyDag[],
  nowMs: number,
): Promise<DatasetsReport> {
  const recorded = await readLatest(database)
  const names = dags.flatMap(({ graph, datasets }) => [
    ...graph.tasks.flatMap((task) => task.outlets ?? []),
    ...(datasets === undefined ? [] : datasetsIn(datasets)),
  ])
  const ledger = datasetLedger(database)
  const waits = await Promise.all(dags.map((dag) => findWaits(dag, ledger, nowMs)))
  return {
    datasets: [...new Set([...names, ...recorded.keys()])].sort().map((dataset) => ({
      ...{ dataset, written_by: writersOf(dags, dataset), consumers: consumersOf(dags, dataset) },
      ...{
        events: recorded.get(dataset)?.events ?? 0,
        latest: recorded.get(dataset)?.latest ?? null,
      },
    })),
    waits: waits.flat(),
  }
}

function writersOf(dags: readonly AnyDag[], dataset: string): string[] {
  return dags.flatMap(({ id, graph }) =>
    graph.tasks.filter((task) => task.outlets?.includes(dataset)).map((task) => `${id}.${task.id}`),
  )
}

function consumersOf(dags: readonly AnyDag[], dataset: string): DatasetRow['consumers'] {
  return dags.flatMap(({ id, datasets }) =>
    datasets && datasetsIn(datasets).includes(dataset)
      ? [{ dag_id: id, datasets: conditionInWords(datasets) }]
      : [],
  )
}

async function readLatest(
  database: Database,
): Promise<Map<string, { events: number; latest: LatestEvent }>> {
  const { rows } = await database.query<LatestEvent & { dataset: string; events: number }>(
    `select distinct on (dataset) dataset, logical_date as date, recorded_at,
       coalesce(run_key, made_by) as by, count(*) over (partition by dataset) as events
     from audit.dataset_events
     order by dataset, event_id desc`,
  )
  return new Map(rows.map(({ dataset, events, ...latest }) => [dataset, { events, latest }]))
}
