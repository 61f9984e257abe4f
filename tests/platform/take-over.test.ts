import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { from as copyFrom } from 'pg-copy-streams'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Attempt } from '../../platform/attempt.ts'
import { openFence, takeOver } from '../../platform/attempt.ts'
import type { Transaction } from '../../platform/database.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
let first: Attempt
const open: Transaction[] = []
beforeAll(async () => {
  database = await testDatabase()
})
beforeEach(() => {
  first = { runKey: `shop/${randomUUID()}`, runId: randomUUID(), taskId: 'extract', attempt: 1 }
})
afterAll(async () => {
  for (const transaction of open) transaction.release(true)
  await database.drop()
})

/** A transaction of the attempt that is left open, as a frozen worker leaves it, with a lock. */
async function freeze(attempt: Attempt, table: string): Promise<Transaction> {
  await openFence(database.db, attempt)
  const transaction = await begin(attempt)
  await transaction.query(`create table ${table} (id int)`)
  return transaction
}

async function begin(attempt: Attempt): Promise<Transaction> {
  const transaction = await database.db.connect()
  open.push(transaction)
  await transaction.query('begin')
  await takeOver(transaction, attempt)
  return transaction
}

const isAlive = (transaction: Transaction) =>
  transaction.query('select 1').then(
    () => true,
    () => false,
  )

test.each([
  ['a later attempt', (before: Attempt) => ({ ...before, attempt: 2 })],
  ['an attempt of a later run', (before: Attempt) => ({ ...before, runId: randomUUID() })],
])('%s does not wait for the locks of a frozen one, which cannot go on', async (_, next) => {
  const table = `staging.t${randomUUID().replaceAll('-', '')}`
  const frozen = await freeze(first, table)
  const later = next(first)
  await openFence(database.db, later)
  const taking = await begin(later)
  await taking.query(`set local lock_timeout = '20s'; create table ${table} (id int)`)
  await taking.query('commit')
  expect(await isAlive(frozen)).toBe(false)
})

test('a frozen COPY is ended too, though it is not idle', async () => {
  const table = `staging.t${randomUUID().replaceAll('-', '')}`
  await database.db.query(`create table ${table} (id int)`)
  await openFence(database.db, first)
  const frozen = await begin(first)
  const copy = frozen.query(copyFrom(`copy ${table} from stdin`))
  const ended = once(copy, 'error')
  // Its end is never sent: the server waits for more.
  copy.write('1\n')
  await vi.waitUntil(async () => {
    const { rowCount } = await database.db.query(
      `select from pg_stat_activity where state = 'active' and query like 'copy ${table}%'`,
    )
    return rowCount === 1
  })
  const later = { ...first, attempt: 2 }
  await openFence(database.db, later)
  await begin(later)
  await expect(ended).resolves.toMatchObject([{ code: '57P01' }])
})

test('an attempt that wakes up late ends nobody, nor does one of another task', async () => {
  const later = { ...first, attempt: 2 }
  const current = await freeze(later, `staging.t${randomUUID().replaceAll('-', '')}`)
  expect(await openFence(database.db, first)).toBe(false)
  await begin(first)
  const other = { ...first, taskId: 'publish', attempt: 3 }
  await openFence(database.db, other)
  await begin(other)
  expect(await isAlive(current)).toBe(true)
})
