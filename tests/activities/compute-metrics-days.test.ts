import { afterEach, beforeEach, expect, test } from 'vitest'
import { order, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const monday = '2025-12-15'
const tuesday = '2025-12-16'
const wednesday = '2025-12-17'

type Row = Record<string, unknown>

async function figures(date: string): Promise<Record<string, string | null>> {
  const found = await database.db.query<{ name: string; value: string | null }>(
    `select concat_ws(' ', metric, nullif(dimension, 'all'), nullif(segment, 'all')) as name,
       trim_scale(value) as value
     from warehouse.daily_metrics where metric_date = $1`,
    [date],
  )
  return Object.fromEntries(found.rows.map((row) => [row.name, row.value]))
}

const eventsHeader = 'event_id,user_id,product_id,event_type,event_ts,session_id,url,user_agent'

/** The whole day through the real tasks, published. */
async function runDay(date: string, orders: readonly Row[], products?: readonly Row[]) {
  const shop = sampleShop(database.db)
  const fields = { timestamp: `${date}T10:00:00Z` }
  shop.deliver(
    `orders/${date}/orders.json`,
    JSON.stringify(orders.map((row, index) => order(`${date}-${index}`, { ...fields, ...row }))),
  )
  shop.deliver(
    `events/${date}/events.csv`,
    `${eventsHeader}\ne-${date},u1,PRD-1,view_product,${date}T09:00:00Z,s1,/,x\n`,
  )
  if (products) shop.deliver(`products/products_${date}.json`, JSON.stringify(products))
  await shop.runDay(date)
}

async function allPublished() {
  const rows = await database.db.query(
    'select * from warehouse.daily_metrics order by 1, 2, 3, 4, 5',
  )
  return rows.rows
}

test('new and returning customers are right in whatever order days are loaded', async () => {
  const days: [string, Row[]][] = [
    ['2025-12-16', [{ user_id: 'u1' }, { user_id: 'u2' }]],
    ['2025-12-17', [{ user_id: 'u1' }, { user_id: 'u3' }]],
    // A late record makes u3 a customer of the 16th.
    ['2025-12-18', [{ user_id: 'u3', timestamp: '2025-12-16T12:00:00Z' }, { user_id: 'u2' }]],
  ]
  for (const day of days) await runDay(...day)
  const forward = await allPublished()
  const newByDate = await database.db.query(
    `select metric_date, value from warehouse.daily_metrics where metric = 'new_customers' order by 1`,
  )
  expect(newByDate.rows).toEqual([
    { metric_date: '2025-12-16', value: '3' },
    { metric_date: '2025-12-17', value: '0' },
    { metric_date: '2025-12-18', value: '0' },
  ])
  for (const order of [
    [2, 1, 0],
    [1, 2, 0, 1],
  ]) {
    await database.drop()
    database = await testDatabase()
    for (const index of order) await runDay(...(days[index] ?? ['', []]))
    expect(await allPublished()).toEqual(forward)
  }
})

test('a delivery that is staged and not published changes no figure of its day', async () => {
  await runDay(monday, [{}, {}])
  const { records_received: received, records_loaded: loaded } = await figures(monday)
  const shop = sampleShop(database.db)
  shop.deliver(`orders/${monday}/orders.json`, JSON.stringify([order('other', { price: -1 })]))
  await shop.stage('orders', monday)
  await runDay(tuesday, [{ timestamp: `${monday}T11:00:00Z` }])
  expect(await figures(monday)).toMatchObject({
    ...{ orders: '3', records_received: received, records_loaded: loaded },
    ...{ records_quarantined: '0' },
  })
})

test('a product that is completed later takes its earlier sales along to its category', async () => {
  await runDay(tuesday, [{ quantity: 3 }])
  expect(await figures(tuesday)).toMatchObject({
    'units category (unknown)': '3',
  })
  await runDay(
    wednesday,
    [{ quantity: 1 }],
    [{ product_id: 'PRD-1', name: 'Lamp', category: 'Home', price: 5 }],
  )
  const day = await figures(tuesday)
  expect(day).toMatchObject({ 'units category Home': '3' })
  expect(day).not.toHaveProperty('units category (unknown)')
})

test('a day delivered again without an order takes the order out of its figures', async () => {
  await runDay('2025-12-14', [{ user_id: 'u2' }])
  await runDay(tuesday, [{ user_id: 'u1' }, { user_id: 'u2', timestamp: '2025-12-15T12:00:00Z' }])
  expect(await figures(monday)).toMatchObject({ orders: '1' })
  await runDay(tuesday, [{ user_id: 'u1' }])
  expect(await figures(monday)).toEqual({})
  expect(await figures(tuesday)).toMatchObject({ orders: '1' })
})

test('marts show a date in one row, and the latest run of it', async () => {
  await runDay(tuesday, [{ quantity: 3 }])
  const { rows } = await database.db.query('select run_id from audit.publications')
  await database.db.query(
    `insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state, started_at, ended_at, graph)
     values ('failed', 'k', 'ecommerce_daily', $2, 'cli', 'failed', now() - interval '1 hour', now(), '{}'),
       ($1, 'k', 'ecommerce_daily', $2, 'cli', 'success', now(), now() + interval '7 seconds', '{}')`,
    [rows[0].run_id, tuesday],
  )
  const overview = await database.db.query(
    'select metric_date, gross_revenue, orders, customers, records_received, run_seconds, failed_checks from marts.daily_overview',
  )
  expect(overview.rows).toEqual([
    {
      metric_date: tuesday,
      gross_revenue: '37.035',
      orders: '1',
      customers: '1',
      records_received: '2',
      run_seconds: '7.000000',
      failed_checks: 0,
    },
  ])
  const health = await database.db.query(
    'select state, runs, seconds, warnings, critical_failures from marts.pipeline_health',
  )
  expect(health.rows).toEqual([
    { state: 'success', runs: 2, seconds: '7.000000', warnings: 0, critical_failures: 0 },
  ])
})
