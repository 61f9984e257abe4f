import type { Client } from '@temporalio/client'
import type { Config } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { createDatabase } from '../platform/database.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'
import type { Stack } from '../platform/embedded/stack.ts'
import { startStack } from '../platform/embedded/stack.ts'
import { createWorkerProcess, isQueuePolled } from '../platform/embedded/worker-process.ts'
import { applyMigrations } from '../platform/migrate.ts'
import { connectClient, waitForNamespace } from '../platform/temporal.ts'
import type { Session } from './session.ts'

export type Say = (line: string) => void

export interface Daybook {
  config: Config
  stack: Stack
  database: Database
  client: Client
  /** Aborted when the session is to end. */
  signal: AbortSignal
}

/** Starts all that the batch needs; everything started ends with the session. */
export async function startDaybook(config: Config, session: Session, say: Say): Promise<Daybook> {
  const stack = await timed(say, 'PostgreSQL and Temporal', () =>
    startServers(config, session, say),
  )
  assertNotRunning(stack)
  const database = createDatabase(stack.databaseUrl)
  session.add({ stop: () => database.end() })
  await timed(say, 'database migrations', () => applyMigrations(database))
  const client = await connectClient(config.temporal, stack.temporalAddress)
  session.add({ stop: () => client.connection.close() })
  const daybook = { config, stack, database, client, signal: session.signal }
  await waitForNamespace(client)
  await timed(say, 'worker and schedules', () => startWorker(daybook, session, say))
  return daybook
}

async function startServers(config: Config, session: Session, say: Say): Promise<Stack> {
  const starting = startStack(config, say)
  const end = (how: 'stop' | 'kill') => async () => {
    const stack = await starting.catch(() => undefined)
    await stack?.[how]()
  }
  session.add({ stop: end('stop'), kill: end('kill') })
  return starting
}

async function startWorker(daybook: Daybook, session: Session, say: Say): Promise<void> {
  const { config, stack, client } = daybook
  const { namespace, taskQueue } = config.temporal
  if (stack.watchdog === undefined) return
  const worker = createWorkerProcess({
    config,
    addresses: stack,
    watchdog: stack.watchdog,
    log: say,
    isPolled: () => isQueuePolled(client.connection, namespace, taskQueue),
  })
  session.add(worker)
  await worker.start()
}

function assertNotRunning({ ownerPid, temporalUiUrl }: Stack): void {
  if (ownerPid === undefined) return
  throw new CannotStart(
    `Daybook is running already (process ${ownerPid}), its Web UI at ${temporalUiUrl}`,
    `use that one, or stop it with Ctrl-C there or: kill ${ownerPid}`,
  )
}

/** Says how long a step took; the steps of a start in one glance. */
export async function timed<T>(say: Say, title: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const result = await work()
  say(`  ${title.padEnd(26)} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  return result
}
