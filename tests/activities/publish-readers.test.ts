import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Transaction } from '../../platform/database.ts'
import { inDiscardedTransaction } from '../../platform/database.ts'
import { buildParts } from '../../activities/index.ts'
import { sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import {
  deliverVersion,
  readMeanwhile,
  seeAtOnce,
  versionsByTable,
} from '../support/versioned-days.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const dates = ['2025-12-16', '2025-12-17', '2025-12-18', '2025-12-19']
const [tuesday = '', wednesday = ''] = dates

test('whoever reads while days are published, restated and run again sees whole days only', async () => {
  const shop = sampleShop(database.db)
  let polls = 0
  const seen = await readMeanwhile(database.db, async (looks) => {
    for (let version = 1; version <= 12 || looks() < 2_000; version += 1) {
      for (const date of dates) {
        // Of each version some days are run by all tasks and others by publishing alone.
        deliverVersion(shop, date, 1 + (version % 12))
        if (version % 3 === 0) await shop.runDay(date)
        else await shop.stageAndPublish(date)
      }
    }
    polls = looks()
  })
  expect(polls).toBeGreaterThanOrEqual(2_000)
  for (const date of dates) expect(seen.get(date)?.size).toBeGreaterThan(5)
}, 180_000)

async function lockTables(analyst: Transaction, schemas: string): Promise<void> {
  const { rows } = await analyst.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relkind in ('r', 'p') and relnamespace::regnamespace::text ~ $1`,
    [schemas],
  )
  await analyst.query(`lock table ${rows.map(({ name }) => name).join(', ')} in access share mode`)
}

const orderIds = `select order_id, unit_price from warehouse.fact_orders order by 1`

test('an analyst who has read every table keeps no day from being published, and goes on seeing the old ones', async () => {
  const shop = sampleShop(database.db, {}, buildParts, { lockLimitMs: 500 })
  deliverVersion(shop, tuesday, 2)
  await shop.runDay(tuesday)
  await inDiscardedTransaction(database.db, async (analyst) => {
    await lockTables(analyst, '^(warehouse|staging|raw|audit)$')
    const before = await analyst.query(versionsByTable)
    deliverVersion(shop, tuesday, 3)
    await shop.runDay(tuesday)
    deliverVersion(shop, wednesday, 4)
    await shop.runDay(wednesday)
    expect((await analyst.query(versionsByTable)).rows).toEqual(before.rows)
    expect(await seeAtOnce(database.db)).toMatchObject([
      { date: tuesday, versions: { facts: 3 } },
      { date: wednesday, versions: { facts: 4 } },
    ])
  })
})

test('who locks what is not published yet is waited for a while and named; nobody queues behind it', async () => {
  const shop = sampleShop(database.db, {}, buildParts, { lockLimitMs: 1_500 })
  deliverVersion(shop, tuesday, 2)
  await shop.runDay(tuesday)
  deliverVersion(shop, tuesday, 3)
  await shop.loadDay(tuesday)
  const before = await seeAtOnce(database.db)
  const dump = await database.db.connect()
  const { rows } = await dump
    .query<{ pid: number }>('begin; select pg_backend_pid() as pid')
    .then((results) => (Array.isArray(results) ? results[1] : results))
  await lockTables(dump, '^(warehouse|staging|next_.*)$')
  let isOver = false
  const publishing = shop.publishDay(tuesday).finally(() => (isOver = true))
  const refused = expect(publishing).rejects.toMatchObject({
    name: 'LockHeld',
    message: expect.stringMatching(
      new RegExp(`^ecommerce_daily/${tuesday} is not published: .*pid ${rows[0]?.pid} \\(`),
    ),
  })
  let polls = 0
  while (!isOver) {
    await inDiscardedTransaction(database.db, async (reader) => {
      await reader.query(`set local statement_timeout = '1s'`)
      await reader.query(orderIds)
    })
    polls += 1
  }
  await refused
  expect(polls).toBeGreaterThan(10)
  expect(await seeAtOnce(database.db)).toEqual(before)
  await dump.query('rollback')
  dump.release()
  await shop.publishDay(tuesday)
  expect(await seeAtOnce(database.db)).toMatchObject([{ date: tuesday, versions: { facts: 3 } }])
})
