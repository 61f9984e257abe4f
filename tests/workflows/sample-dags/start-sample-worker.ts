import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DefaultLogger, Runtime } from '@temporalio/worker'
import type { CreateWorkerOptions } from '../../../worker/create-worker.ts'
import { createWorker } from '../../../worker/create-worker.ts'
import type { TestDatabase, TestTemporal } from '../../support/servers.ts'
import { testDatabase, testTemporal } from '../../support/servers.ts'
import { datasetDags } from './dataset-dags.ts'
import { createSampleActivities } from './sample-activities.ts'

export const sampleWorkflowsPath = join(import.meta.dirname, 'index.ts')
export const sampleCacheDir = join(tmpdir(), 'daybook-test-bundles')

export interface SampleWorker extends ReturnType<typeof createSampleActivities> {
  temporal: TestTemporal
  database: TestDatabase
  /** Stops the worker, whatever it is doing, and starts another. */
  restart(): Promise<void>
  stop(): Promise<void>
}

Runtime.install({ logger: new DefaultLogger('ERROR') })

/** The sample DAGs on a worker, with a database and a namespace of the test file's own. */
export async function startSampleWorker(
  options: Pick<CreateWorkerOptions, 'rerunWithLatestVersion'> = {},
): Promise<SampleWorker> {
  const [temporal, database] = await Promise.all([testTemporal(), testDatabase()])
  const samples = createSampleActivities()
  const launch = async () => {
    const worker = await createWorker({
      ...{ connection: temporal.nativeConnection, client: temporal.client, database: database.db },
      ...{ namespace: temporal.namespace, taskQueue: temporal.taskQueue },
      ...{ workflowsPath: sampleWorkflowsPath, cacheDir: sampleCacheDir },
      ...options,
      dags: datasetDags,
      ...{ activities: samples.activities, hasSearchAttributes: true, shutdownGraceMs: 200 },
    })
    const running = worker.run()
    return async () => {
      worker.shutdown()
      await running
    }
  }
  let stopWorker = await launch()
  const restart = async () => {
    await stopWorker()
    stopWorker = await launch()
  }
  const stop = async () => {
    await stopWorker()
    await temporal.close()
    await database.drop()
  }
  return { ...samples, temporal, database, restart, stop }
}
