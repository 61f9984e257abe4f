import { join } from 'node:path'
import { createWorker, type CreateWorkerOptions } from '../../worker/create-worker.ts'
import type { BenchServers } from '../servers.ts'
import { createBenchActivities } from './activities.ts'

export const taskQueue = 'bench'

/** The product's worker, serving both sides of every comparison. Returns what stops it. */
export async function startBenchWorker(servers: BenchServers): Promise<() => Promise<void>> {
  return startWorker(servers, {
    activities: createBenchActivities(),
    workflowsPath: join(import.meta.dirname, 'workflows.ts'),
  })
}

/** The product's worker with these activities and workflows. Returns what stops it. */
export async function startWorker(
  { connection, client, namespace, database, homeDir }: BenchServers,
  served: Pick<CreateWorkerOptions, 'activities' | 'workflowsPath' | 'dags'>,
): Promise<() => Promise<void>> {
  const worker = await createWorker({
    ...{ connection, client, namespace, taskQueue, database },
    cacheDir: join(homeDir, 'bundles'),
    hasSearchAttributes: true,
    ...served,
  })
  const running = worker.run()
  return async () => {
    worker.shutdown()
    await running
  }
}
