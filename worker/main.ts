import { join } from 'node:path'
import { DefaultLogger, Runtime } from '@temporalio/worker'
import { createActivities } from '../activities/index.ts'
import type { Config } from '../platform/config.ts'
import { loadConfig } from '../platform/config.ts'
import { ConfigError } from '../platform/config-error.ts'
import type { Database } from '../platform/database.ts'
import { createDatabase } from '../platform/database.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'
import type { Addresses } from '../platform/embedded/find-stack.ts'
import { findStack } from '../platform/embedded/find-stack.ts'
import { applyMigrations } from '../platform/migrate.ts'
import { connectClient, registerSearchAttributes, waitForNamespace } from '../platform/temporal.ts'
import { applySchedules } from '../schedules/apply-schedules.ts'
import { dags } from '../workflows/dags.ts'
import { connectWorker } from './connect-worker.ts'
import { createWorker, defaultWorkflowsPath } from './create-worker.ts'

// One for each task that may run at once, and some for the runs' own bookkeeping.
const maxDatabaseConnections = 20

/** Brings database and schedules up to date, then serves the task queue until SIGINT or SIGTERM, then lets running tasks go and stops. */
async function main(): Promise<void> {
  const config = loadConfig()
  // Installing the runtime also makes it stop the worker cleanly at a signal.
  Runtime.install({ logger: new DefaultLogger(logLevels[config.logLevel]) })
  await serve(config, await findStack(config))
}

const logLevels = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const

async function serve(config: Config, addresses: Addresses): Promise<void> {
  const { temporal } = config
  const database = createDatabase(addresses.databaseUrl, maxDatabaseConnections)
  const client = await connectClient(temporal, addresses.temporalAddress)
  const connection = await connectWorker(temporal, addresses.temporalAddress)
  try {
    await waitForNamespace(client)
    await prepareDatabase(database)
    await applySchedules(client, config)
    const worker = await createWorker({
      ...{ connection, client, database },
      ...{ namespace: temporal.namespace, taskQueue: temporal.taskQueue },
      dags,
      activities: createActivities({ database, config }),
      workflowsPath: defaultWorkflowsPath,
      cacheDir: join(config.homeDir, 'bundles'),
      withStackTraces: config.logLevel === 'debug',
      rerunWithLatestVersion: config.rerunWithLatestVersion,
      hasSearchAttributes: await registerSearchAttributes(client),
      deployment: temporal.deployment,
    })
    await worker.run()
  } finally {
    await connection.close()
    await client.connection.close()
    await database.end()
  }
}

async function prepareDatabase(database: Database): Promise<void> {
  try {
    await applyMigrations(database)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CannotStart(
      `No PostgreSQL that Daybook can use: ${reason}`,
      'check DATABASE_URL, and that its user may create schemas',
      { cause: error },
    )
  }
}

try {
  await main()
} catch (error) {
  const isExpected = error instanceof ConfigError || error instanceof CannotStart
  console.error(isExpected ? error.message : error)
  process.exitCode = 1
}
