import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import type { Config } from '../platform/config.ts'
import { loadConfig } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { createDatabase } from '../platform/database.ts'
import { isOutage } from '../platform/database-outage.ts'
import { findDatabaseUrl, findStack, findTemporalAddress } from '../platform/embedded/find-stack.ts'
import { isQueuePolled } from '../platform/embedded/worker-process.ts'
import { failureMessage } from './failure-message.ts'

/** Connects to the database of what runs now, and closes it when `work` is done. */
export async function withDatabase<T>(work: (database: Database, config: Config) => Promise<T>) {
  const config = loadConfig()
  const database = createDatabase(await findDatabaseUrl(config), 4)
  try {
    await waitForDatabase(database)
    return await work(database, config)
  } finally {
    await database.end()
  }
}

/**
 * Connects to the Temporal server of what runs now, for a command that starts nothing, and closes the
 * connection when `work` is done. @throws CannotStart when it does not answer in this time
 */
export async function withClient<T>(
  work: (client: Client) => Promise<T>,
  connectTimeoutMs?: number,
): Promise<T> {
  const config = loadConfig()
  const address = await findTemporalAddress(config)
  const { connectClient } = await import('../platform/temporal.ts')
  const client = await connectClient(config.temporal, address, connectTimeoutMs)
  try {
    return await work(client)
  } finally {
    await client.connection.close()
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
    await waitForDatabase(database)
    await warnWithoutWorker(client, config)
    return await work({ config, client, database })
  } finally {
    await database.end()
    await client.connection.close()
  }
}

/** As long as for Temporal. */
const longestStartMs = 10_000
const pauseMs = 200

/** One that is starting is waited for, some seconds. @throws what says that it is away, then */
async function waitForDatabase(database: Database): Promise<void> {
  const giveUpAt = Date.now() + longestStartMs
  for (let hasSaid = false; ; hasSaid = true) {
    try {
      await database.query('select 1')
      return
    } catch (error) {
      if (!isOutage(error) || Date.now() > giveUpAt) throw error
      const seconds = longestStartMs / 1000
      if (!hasSaid) {
        console.error(
          `PostgreSQL does not answer (${failureMessage(error)}): trying for ${seconds} seconds`,
        )
      }
      await sleep(pauseMs)
    }
  }
}

async function warnWithoutWorker(client: Client, { temporal }: Config): Promise<void> {
  const { namespace, taskQueue } = temporal
  if (await isQueuePolled(client.connection, namespace, taskQueue)) return
  console.error(`No worker polls the task queue ${taskQueue}: what is started waits for one.`)
}
