import type { Client } from '@temporalio/client'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import type { Consumer } from '../dag/dataset-waits.ts'
import { findWaits } from '../dag/dataset-waits.ts'
import { datasetsIn } from '../dag/datasets.ts'
import { runKeyOf } from '../dag/resolve-run.ts'
import type { RunOfDate } from '../dag/run-loop/run-other-dag.ts'
import type { Database } from '../platform/database.ts'
import type { WrittenDatasets } from '../platform/datasets.ts'
import { datasetLedger, recordEvents, registerConsumer } from '../platform/datasets.ts'
import { findSuccessfulRun } from '../platform/successful-run.ts'

export interface DatasetDeps {
  readonly database: Database
  readonly client: Client
  readonly taskQueue: string
  /** Every DAG; those without datasets are passed over. */
  readonly dags: readonly Consumer[]
}

/** Far below what a run gives this activity, so that it never waits for a server that is away. */
const startWithinMs = 10_000

export type DatasetActivities = ReturnType<typeof createDatasetActivities>

/** What tasks write and what it starts. Repeatable. */
export function createDatasetActivities(deps: DatasetDeps) {
  const { database } = deps
  return {
    /** Keeps that a task has written datasets, and starts the runs that waited for just that. */
    async recordDatasetEvents(written: WrittenDatasets): Promise<void> {
      const consumers = consumersOf(deps.dags, written.datasets)
      await registerAll(database, consumers)
      await recordEvents(database, written)
      // The event is what counts: `start_consumers` starts what cannot be started now.
      await deps.client
        .withDeadline(Date.now() + startWithinMs, () => startReady(deps, consumers))
        .catch(() => undefined)
    },

    /** Starts every run whose datasets are complete; returns the run keys. */
    async startConsumers(): Promise<string[]> {
      const consumers = deps.dags.filter((dag) => dag.datasets !== undefined)
      await registerAll(database, consumers)
      return startReady(deps, consumers)
    },

    /** Whether the latest run of a DAG for a date was a success. */
    async hasSucceeded(run: RunOfDate): Promise<boolean> {
      return (await findSuccessfulRun(database, run)) !== undefined
    },
  }
}

function consumersOf(dags: readonly Consumer[], written: readonly string[]): Consumer[] {
  return dags.filter(
    ({ datasets }) => datasets && datasetsIn(datasets).some((name) => written.includes(name)),
  )
}

async function registerAll(database: Database, consumers: readonly Consumer[]): Promise<void> {
  for (const { id, datasets } of consumers) {
    if (datasets) await registerConsumer(database, id, datasetsIn(datasets))
  }
}

async function startReady(deps: DatasetDeps, consumers: readonly Consumer[]): Promise<string[]> {
  const ledger = datasetLedger(deps.database)
  const started: string[] = []
  for (const consumer of consumers) {
    for (const { date, missing } of await findWaits(consumer, ledger, Date.now())) {
      if (missing === null && (await startRun(deps, consumer.id, date))) {
        started.push(runKeyOf(consumer.id, date))
      }
    }
  }
  return started
}

/** False where the run of that date goes on: it may have begun before the event, so another follows it. */
async function startRun(
  { client, taskQueue }: DatasetDeps,
  dagId: string,
  date: string,
): Promise<boolean> {
  try {
    await client.workflow.start(dagId, {
      ...{ workflowId: runKeyOf(dagId, date), taskQueue, args: [{ date }] },
      memo: { daybookTrigger: 'dataset' },
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    })
    return true
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false
    throw error
  }
}
