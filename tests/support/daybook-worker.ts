import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createActivities } from '../../activities/index.ts'
import { loadConfig } from '../../platform/config.ts'
import { createWorker, defaultWorkflowsPath } from '../../worker/create-worker.ts'
import { dags } from '../../workflows/dags.ts'
import { sampleCacheDir } from '../workflows/sample-dags/start-sample-worker.ts'
import { runCli } from './run-cli.ts'
import type { TestDatabase } from './servers.ts'
import { testDatabase, testTemporal } from './servers.ts'
import { tempFolder } from './temp-folder.ts'

export type DaybookWorker = Awaited<ReturnType<typeof startDaybookWorker>>

/**
 * The product's own worker on real servers, with a landing zone and a mail folder of the test's own, and
 * its own database unless one is given. Stopping it drops the database.
 */
export async function startDaybookWorker(
  env: NodeJS.ProcessEnv = {},
  given?: Pick<TestDatabase, 'url' | 'db' | 'drop'>,
) {
  const folder = tempFolder('worker')
  const landingDir = join(folder, 'incoming')
  const config = loadConfig({ LANDING_DIR: landingDir, DAYBOOK_HOME: join(folder, 'home'), ...env })
  const database = given ?? (await testDatabase())
  const temporal = await testTemporal()
  const worker = await createWorker({
    connection: temporal.nativeConnection,
    client: temporal.client,
    namespace: temporal.namespace,
    taskQueue: temporal.taskQueue,
    database: database.db,
    dags,
    activities: createActivities({ database: database.db, config }),
    workflowsPath: defaultWorkflowsPath,
    cacheDir: sampleCacheDir,
    hasSearchAttributes: true,
  })
  const running = worker.run()
  return {
    database,
    temporal,
    config,
    landingDir,
    deliver(path: string, content: string) {
      const file = join(landingDir, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    },
    /** Runs `daybook` on the worker's servers. */
    command: (...args: string[]) =>
      runCli(args, {
        DATABASE_URL: database.url,
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_NAMESPACE: temporal.namespace,
        TEMPORAL_TASK_QUEUE: temporal.taskQueue,
      }),
    async stop() {
      worker.shutdown()
      await running
      await temporal.close()
      await database.drop()
    },
  }
}
