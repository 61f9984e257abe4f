import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect, type Socket } from 'node:net'
import { CancelledFailure } from '@temporalio/activity'
import { Client } from '@temporalio/client'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createSlotActivities } from '../../activities/slots.ts'
import { writeInAttempt } from '../../activities/write-in-attempt.ts'
import type { Database, Transaction } from '../../platform/database.ts'
import { createDatabase } from '../../platform/database.ts'
import { isOutage } from '../../platform/database-outage.ts'
import { createAuditInterceptor } from '../../worker/audit-interceptor.ts'
import { createSlotInterceptor } from '../../worker/slot-interceptor.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
let runId: string
beforeAll(async () => {
  database = await testDatabase()
  await database.db.query('create table written (what text)')
})
afterAll(() => database.drop())
beforeEach(async () => {
  runId = randomUUID()
  await database.db.query('truncate written')
})

const plan = { retryDelayMs: 300_000, retryBackoff: 1, maxRetryDelayMs: null }

function attemptTask(
  work: () => Promise<unknown>,
  db: Database = database.db,
  retryPolicy = { maximumAttempts: 3 },
) {
  const environment = new MockActivityEnvironment(
    {
      ...{ activityId: 'load', attempt: 1, workflowType: 'a_dag', isLocal: false, retryPolicy },
      workflowExecution: { workflowId: 'a_dag/2025-12-13', runId },
    },
    { logger: new DefaultLogger('ERROR') },
  )
  const { inbound } = createAuditInterceptor(db, '7@books')(environment.context)
  const execute = inbound?.execute
  if (!execute) throw new Error('nothing intercepts')
  const result = environment.run(() => execute({ args: [{}, plan], headers: {} }, work))
  return { result, environment }
}

async function rows(sql: string) {
  return (await database.db.query(sql)).rows
}
const taskRuns = () => rows(`select attempt, state from audit.task_runs where run_id = '${runId}'`)

const write = (what: string, then: (transaction: Transaction) => Promise<unknown>) =>
  writeInAttempt(database.db, async (transaction) => {
    await transaction.query('insert into written values ($1)', [what])
    await then(transaction)
  })

const endOwnBackend = (transaction: Transaction) =>
  transaction.query('select pg_terminate_backend(pg_backend_pid())')

test('work whose connection is ended is done again in the same attempt', async () => {
  let tries = 0
  const { result } = attemptTask(async () => {
    tries += 1
    return write(`try ${tries}`, async (transaction) => {
      if (tries < 3) await endOwnBackend(transaction)
    })
  })
  await result
  expect(await rows('select * from written')).toEqual([{ what: 'try 3' }])
  expect(await taskRuns()).toEqual([{ attempt: 1, state: 'success' }])
})

test('a transaction that the attempt has lost cannot be committed once its work is done again', async () => {
  let committed: Promise<unknown> = Promise.resolve()
  let tries = 0
  const { result } = attemptTask(async () => {
    tries += 1
    if (tries > 1) return write('second', async () => undefined)
    // A connection that breaks while the server still works on what was sent over it.
    const begun = Promise.withResolvers<void>()
    committed = write('first', (transaction) => {
      begun.resolve()
      return transaction.query('select pg_sleep(60)')
    })
    committed.catch(() => undefined)
    await begun.promise
    return write('also first', endOwnBackend)
  })
  await result
  await expect(committed).rejects.toMatchObject({ code: '57P01' })
  expect(await rows('select * from written')).toEqual([{ what: 'second' }])
})

test('a server of something else that is away is a failure of the task', async () => {
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const address = closed.address()
  closed.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  let tries = 0
  const { result } = attemptTask(async () => {
    tries += 1
    await once(connect(address.port, '127.0.0.1'), 'connect')
  })
  await expect(result).rejects.toMatchObject({
    message: expect.stringContaining('ECONNREFUSED'),
    nextRetryDelay: plan.retryDelayMs,
  })
  expect(tries).toBe(1)
  expect(await taskRuns()).toEqual([{ attempt: 1, state: 'failed' }])
})

test('work that ends its connection each time fails after five outages, and waits as its task says', async () => {
  let tries = 0
  const { result } = attemptTask(async () => {
    tries += 1
    return write('never', endOwnBackend)
  })
  await expect(result).rejects.toMatchObject({ nextRetryDelay: plan.retryDelayMs })
  expect(tries).toBe(6)
  expect(await taskRuns()).toEqual([{ attempt: 1, state: 'failed' }])
})

/** The way to the database, on which each new connection goes as its turn says, and the last turn stays. */
async function databaseBehind(...turns: ('is reset' | 'hears nothing' | 'is led on')[]) {
  const serverPort = Number(new URL(database.url).port)
  const sockets: Socket[] = []
  const way = createServer((socket) => {
    const turn = turns[Math.min(sockets.push(socket), turns.length) - 1]
    socket.on('error', () => undefined)
    if (turn === 'is reset') socket.resetAndDestroy()
    if (turn !== 'is led on') return
    const onward = connect(serverPort, '127.0.0.1').on('error', () => undefined)
    onward.on('close', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    socket.pipe(onward).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(way, 'listening')
  const address = way.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = new URL(database.url)
  url.host = `127.0.0.1:${address.port}`
  const db = createDatabase(url.href)
  const breakAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  onTestFinished(async () => {
    breakAll()
    await db.end()
    way.close()
  })
  return { db, way, breakAll, connections: () => sockets.length }
}

const waitMs = { timeout: 30_000, interval: 50 }

test.each([
  ['resets every connection', ['is reset'], 3],
  ['says nothing', ['is reset', 'hears nothing'], 1],
] as const)(
  'a task is cancelled while it waits for a database that %s',
  async (_, turns, before) => {
    const { db, connections } = await databaseBehind(...turns)
    const { result, environment } = attemptTask(async () => 'never', db)
    const cancelled = expect(result).rejects.toBeInstanceOf(CancelledFailure)
    await vi.waitUntil(() => connections() > before, waitMs)
    environment.cancel()
    await cancelled
  },
)

test('a database that says nothing is asked again until it answers', async () => {
  const { db } = await databaseBehind('is reset', 'hears nothing', 'is led on')
  await attemptTask(async () => 'done', db).result
  expect(await taskRuns()).toEqual([{ attempt: 1, state: 'success' }])
})

/** While nothing else can happen; then the activity is ended. */
async function expectHeartbeat(
  result: Promise<unknown>,
  environment: MockActivityEnvironment,
  breakAll: () => void,
) {
  const cancelled = expect(result).rejects.toBeInstanceOf(CancelledFailure)
  await once(environment, 'heartbeat')
  environment.cancel()
  breakAll()
  await cancelled
}

test('heartbeats are sent while an attempt cannot begin because its database says nothing', async () => {
  const { db, breakAll } = await databaseBehind('hears nothing')
  const { result, environment } = attemptTask(async () => 'never', db)
  await expectHeartbeat(result, environment, breakAll)
})

test('heartbeats are sent while a try cannot take its slots because its database says nothing', async () => {
  const { db, breakAll } = await databaseBehind('hears nothing')
  const environment = new MockActivityEnvironment(
    { attempt: 2, isLocal: false },
    { logger: new DefaultLogger('ERROR') },
  )
  const slots = createSlotActivities({ database: db, client: new Client() })
  const { inbound } = createSlotInterceptor(db, slots)(environment.context)
  const wanted = {
    ...{ runId, workflowId: 'a_dag/2025-12-13', taskId: 'load', date: '2025-12-13' },
    ...{ pool: 'default_pool', slots: 1, priority: 1 },
  }
  const args = [{}, { ...plan, slots: wanted }]
  const result = environment.run(async () =>
    inbound?.execute?.({ args, headers: {} }, async () => 'never'),
  )
  await expectHeartbeat(result, environment, breakAll)
})

test('a server that takes a connection and says nothing for half a minute is away', async () => {
  const { db, way } = await databaseBehind('hears nothing')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const connected = once(way, 'connection')
  const failed = db.query('select 1').catch((error: unknown) => error)
  await connected
  vi.advanceTimersByTime(30_000)
  expect(isOutage(await failed)).toBe(true)
})

test('a task without retries is not run twice', async () => {
  let tries = 0
  const work = async () => {
    tries += 1
    return write('once', endOwnBackend)
  }
  const { result } = attemptTask(work, database.db, { maximumAttempts: 1 })
  await expect(result).rejects.toThrow()
  expect(tries).toBe(1)
  expect(await taskRuns()).toEqual([{ attempt: 1, state: 'failed' }])
})
