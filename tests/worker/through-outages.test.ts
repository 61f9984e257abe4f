import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import { CancelledFailure } from '@temporalio/activity'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { writeInAttempt } from '../../activities/write-in-attempt.ts'
import type { Database, Transaction } from '../../platform/database.ts'
import { createDatabase } from '../../platform/database.ts'
import { createAuditInterceptor } from '../../worker/audit-interceptor.ts'
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

test('a task that is cancelled while it waits for the database is cancelled', async () => {
  let calls = 0
  const broken = createServer((socket) => {
    calls += 1
    socket.resetAndDestroy()
  }).listen(0, '127.0.0.1')
  await once(broken, 'listening')
  const address = broken.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const db = createDatabase(`postgres://nobody@127.0.0.1:${address.port}/none`)
  const { result, environment } = attemptTask(async () => 'never', db)
  const cancelled = expect(result).rejects.toBeInstanceOf(CancelledFailure)
  await vi.waitUntil(() => calls > 3)
  environment.cancel()
  await cancelled
  await db.end()
  broken.close()
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
