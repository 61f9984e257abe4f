import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Transaction } from '../../platform/database.ts'
import { inDiscardedTransaction } from '../../platform/database.ts'
import { buildParts } from '../../activities/index.ts'
import { deliverDay, orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const dates = ['2025-12-16', '2025-12-17', '2025-12-18', '2025-12-19']
const [tuesday = '', wednesday = ''] = dates

/** A delivery whose version can be read off every table: of version 3 there are 3 orders at 3 each. */
function deliver(shop: ReturnType<typeof sampleShop>, date: string, version: number): void {
  const numbers = Array.from({ length: version }, (_, index) => index)
  deliverDay(
    shop,
    date,
    numbers.map((index) => orderOn(date, `${date}-${index}`, { price: version, quantity: 1 })),
    numbers.map((index) => `${date}-${index},u,p,page_view,${date}T09:00:00Z,s,/,x`),
  )
}

interface DaySeen {
  date: string
  /** What each table says of the version of the day; all the same in one state of the books. */
  versions: Record<string, number>
}

const versionsByTable = `
with

facts as (
    select order_date as date, count(*) as orders, max(unit_price) as price, sum(gross_amount) as revenue
    from warehouse.fact_orders group by 1
),

events as (select event_date as date, count(*) as events from warehouse.fact_events group by 1),

metrics as (
    select metric_date as date,
        max(value) filter (where metric = 'orders') as orders,
        max(value) filter (where metric = 'gross_revenue') as revenue,
        max(value) filter (where metric = 'events') as events
    from warehouse.daily_metrics where dimension = 'all' group by 1
),

staged as (select load_date as date, count(*) as orders from staging.orders_clean group by 1),

loads as (select load_date as date, records_loaded from audit.published_loads where source = 'orders'),

publications as (
    select logical_date as date, sum((changes -> 'fact_orders' ->> 'inserted')::integer)
        - sum((changes -> 'fact_orders' ->> 'deleted')::integer) as rows
    from audit.publications group by 1
)

select date::text as date, jsonb_build_object(
    'facts', facts.orders, 'price', facts.price, 'revenue', sqrt(facts.revenue),
    'events', events.events, 'metric orders', metrics.orders,
    'metric revenue', sqrt(metrics.revenue), 'metric events', metrics.events,
    'mart', mart.orders, 'staging', staged.orders, 'load', loads.records_loaded,
    'publications', publications.rows) as versions
from publications
left join facts using (date) left join events using (date) left join metrics using (date)
left join staged using (date) left join loads using (date)
left join marts.daily_overview as mart on mart.metric_date = date`

async function seeAtOnce(): Promise<DaySeen[]> {
  return (await database.db.query<DaySeen>(versionsByTable)).rows
}

/** The same by a statement a table, in a snapshot that is as old as its first one. */
async function seeTableByTable(): Promise<DaySeen[]> {
  return inDiscardedTransaction(database.db, async (reader) => {
    const tables = [
      `select order_date::text as date, 'facts' as name, count(*) as version from warehouse.fact_orders group by 1`,
      `select event_date::text as date, 'events' as name, count(*) as version from warehouse.fact_events group by 1`,
      `select metric_date::text as date, 'mart' as name, orders::integer as version from marts.daily_overview`,
      `select load_date::text as date, 'staging' as name, count(*) as version from staging.orders_clean group by 1`,
      `select load_date::text as date, 'load' as name, records_loaded as version from audit.published_loads where source = 'events'`,
    ]
    const found = []
    for (const sql of tables) {
      found.push(...(await reader.query<{ date: string; name: string; version: number }>(sql)).rows)
    }
    return [...Map.groupBy(found, ({ date }) => date)].map(([date, seen]) => ({
      date,
      versions: Object.fromEntries(seen.map(({ name, version }) => [name, version])),
    }))
  })
}

test('whoever reads while days are published, restated and run again sees whole days only', async () => {
  const shop = sampleShop(database.db)
  const seen = new Map<string, Set<number>>()
  const state = { isOver: false, polls: 0 }
  const look = async (see: () => Promise<DaySeen[]>, tables: number) => {
    while (!state.isOver) {
      for (const { date, versions } of await see()) {
        const all = Object.values(versions)
        expect({ date, versions, tables: all.length }).toMatchObject({ tables })
        expect({ date, versions, different: new Set(all).size }).toMatchObject({ different: 1 })
        seen.set(date, (seen.get(date) ?? new Set()).add(Number(all[0])))
      }
      state.polls += 1
    }
  }
  const readers = Promise.all([look(seeAtOnce, 11), look(seeAtOnce, 11), look(seeTableByTable, 5)])
  const publishing = async () => {
    for (let version = 1; version <= 12 || state.polls < 2_000; version += 1) {
      for (const date of dates) {
        // Of each version some days are run by all tasks and others by publishing alone.
        deliver(shop, date, 1 + (version % 12))
        if (version % 3 === 0) await shop.runDay(date)
        else await shop.stageAndPublish(date)
      }
    }
  }
  await Promise.all([publishing().finally(() => (state.isOver = true)), readers])
  expect(state.polls).toBeGreaterThanOrEqual(2_000)
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
  deliver(shop, tuesday, 2)
  await shop.runDay(tuesday)
  await inDiscardedTransaction(database.db, async (analyst) => {
    await lockTables(analyst, '^(warehouse|staging|raw|audit)$')
    const before = await analyst.query(versionsByTable)
    deliver(shop, tuesday, 3)
    await shop.runDay(tuesday)
    deliver(shop, wednesday, 4)
    await shop.runDay(wednesday)
    expect((await analyst.query(versionsByTable)).rows).toEqual(before.rows)
    expect(await seeAtOnce()).toMatchObject([
      { date: tuesday, versions: { facts: 3 } },
      { date: wednesday, versions: { facts: 4 } },
    ])
  })
})

test('who locks what is not published yet is waited for a while and named; nobody queues behind it', async () => {
  const shop = sampleShop(database.db, {}, buildParts, { lockLimitMs: 1_500 })
  deliver(shop, tuesday, 2)
  await shop.runDay(tuesday)
  deliver(shop, tuesday, 3)
  await shop.loadDay(tuesday)
  const before = await seeAtOnce()
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
  expect(await seeAtOnce()).toEqual(before)
  await dump.query('rollback')
  dump.release()
  await shop.publishDay(tuesday)
  expect(await seeAtOnce()).toMatchObject([{ date: tuesday, versions: { facts: 3 } }])
})
