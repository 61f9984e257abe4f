import type { Client } from '@temporalio/client'
import type { Config } from '../platform/config.ts'
import { loadConfig } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { createDatabase } from '../platform/database.ts'
import { findDatabaseUrl, findStack } from '../platform/embedded/find-stack.ts'
import { isQueuePolled } from '../platform/embedded/worker-process.ts'

/** Connects to the database of what runs now, and closes it when `work` is done. */
export async function withDatabase<T>(work: (database: Database, config: Config) => Promise<T>) {
  const config = loadConfig()
  const database = createDatabase(await findDatabaseUrl(config), 4)
  try {
    return await work(database, config)
  } finally {
    await database.end()
  }
}

export interface Connections {
  config: Config
  client: Client
  database: Database
}

/** Connects to both servers of what runs now, and closes the connections when `work` is done. */
export async function withServers<T>(work: (connections: Connections) => Promise<T>): Promise<T> {
  const config = loadConfig()
  const { databaseUrl, temporalAddress } = await findStack(config)
  // Most of what a command loads, and of no use to those that ask the database alone.
  const { connectClient } = await import('../platform/temporal.ts')
  const client = await connectClient(config.temporal, temporalAddress)
  const database = createDatabase(databaseUrl, 4)
  try {
    await warnWithoutWorker(client, config)
    return await work({ config, client, database })
  } finally {
    await database.end()
    await client.connection.close()
  }
}

async function warnWithoutWorker(client: Client, { temporal }: Config): Promise<void> {
  const { namespace, taskQueue } = temporal
  if (await isQueuePolled(client.connection, namespace, taskQueue)) return
  console.error(`No worker polls the task queue ${taskQueue}: what is started waits for one.`)
}
