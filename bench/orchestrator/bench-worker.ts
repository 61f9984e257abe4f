import { join } from 'node:path'
import { createWorker } from '../../worker/create-worker.ts'
import type { BenchServers } from '../servers.ts'
import { createBenchActivities } from './activities.ts'

export const taskQueue = 'bench'

/** The product's worker, serving both sides of every comparison. Returns what stops it. */
export async function startBenchWorker(servers: BenchServers): Promise<() => Promise<void>> {
  const { connection, client, namespace, database, homeDir } = servers
  const worker = await createWorker({
    ...{ connection, client, namespace, taskQueue, database },
    activities: createBenchActivities(),
    workflowsPath: join(import.meta.dirname, 'workflows.ts'),
    cacheDir: join(homeDir, 'bundles'),
    hasSearchAttributes: true,
  })
  const running = worker.run()
  return async () => {
    worker.shutdown()
    await running
  }
}
