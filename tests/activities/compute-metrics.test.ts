import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMetricActivities } from '../../activities/compute-metrics.ts'
import { metricFamilies, metrics } from '../../domain/metrics.ts'
import { buildFor } from '../../platform/build.ts'
import { buildFacts, type Row } from '../support/build-facts.ts'
import { runActivity } from '../support/run-activity.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const monday = '2025-12-15'
const build = buildFor(`ecommerce_daily/${monday}`, 'main')

function facts(orders: readonly Row[], events: readonly Row[] = []) {
  return buildFacts(database.db, build, orders, events)
}

function computeMetrics(date = monday, runId = 'run-1') {
  const { computeDailyMetrics } = createMetricActivities({ database: database.db })
  const task = { runKey: `ecommerce_daily/${date}`, taskId: 'compute_daily_metrics', runId }
  return runActivity(database.db, task, computeDailyMetrics, { date, shopId: 'main' })
}

type Figures = Record<string, string | null>
async function figures(table = `${build.schema}.daily_metrics`, date = monday): Promise<Figures> {
  const found = await database.db.query<{ name: string; value: string | null }>(
    `select concat_ws(' ', metric, nullif(dimension, 'all'), nullif(segment, 'all')) as name,
       trim_scale(value) as value
     from ${table} where shop_id = 'main' and metric_date = $1`,
    [date],
  )
  return Object.fromEntries(found.rows.map((row) => [row.name, row.value]))
}

const mixedLines: Row[] = [
  { order_id: 'a', line_no: 1, quantity: 3, unit_price: 12.345, channel: 'web', region: 'north' },
  {
    order_id: 'a',
    line_no: 2,
    quantity: 1,
    unit_price: 0.01,
    channel: 'web',
    region: 'north',
    vendor_id: 'V001',
  },
  { order_id: 'b', quantity: 2, unit_price: 5, status: 'cancelled', user_id: 'u2', channel: 'app' },
  { order_id: 'c', quantity: 1, unit_price: 7.5, status: 'refunded', user_id: 'u3' },
  { order_id: 'd', quantity: 4, unit_price: 1, status: 'pending', user_id: null },
  { order_id: 'C9', quantity: -1, unit_price: 2.5, status: 'cancelled', user_id: 'u4' },
  { order_id: 'a', line_no: 3, quantity: 1, unit_price: 4.95, line_type: 'postage' },
  { order_id: 'x', quantity: 1, unit_price: 100, line_type: 'fee', user_id: null },
  { order_id: 'a', line_no: 4, quantity: 1, unit_price: -1.5, line_type: 'discount' },
  { order_id: 's', quantity: -50, unit_price: 0, line_type: 'stock_correction', user_id: null },
]

test('figures of orders are what a hand count gives, to the last decimal', async () => {
  await facts(mixedLines)
  await computeMetrics()
  expect(await figures()).toMatchObject({
    gross_revenue: '58.545', // 37.035 + 0.01 + 10 + 7.5 + 4
    net_revenue: '34.545', // 37.035 + 0.01 - 2.5
    cancelled_revenue: '12.5',
    refunded_revenue: '7.5',
    pending_revenue: '4',
    postage: '4.95',
    fees: '100',
    other_amounts: '-1.5',
    orders: '4',
    order_lines: '5',
    units: '11',
    average_order_value: '14.6363', // 58.545 / 4 = 14.63625
    cancelled_orders: '2',
    orders_without_customer: '1',
    customers: '3',
    new_customers: '3',
    returning_customers: '0',
  })
})

test('gross revenue is net, cancelled, refunded and pending revenue together', async () => {
  await facts([...mixedLines, { order_id: 'r', quantity: -2, unit_price: 3.333 }])
  await computeMetrics()
  const sum = await database.db.query(
    `select sum(value * case metric when 'gross_revenue' then -1 else 1 end) as difference
     from ${build.schema}.daily_metrics where dimension = 'all' and metric in ('gross_revenue',
       'net_revenue', 'cancelled_revenue', 'refunded_revenue', 'pending_revenue')`,
  )
  expect(Number(sum.rows[0].difference)).toBe(0)
})

test('segments add up to the figure of the shop, with the unknown as a segment of its own', async () => {
  await facts(mixedLines)
  await computeMetrics()
  const day = await figures()
  expect(day).toMatchObject({
    'gross_revenue channel web': '37.045',
    'gross_revenue channel app': '10',
    'gross_revenue channel (unknown)': '11.5',
    'gross_revenue vendor V001': '0.01',
    'gross_revenue category (unknown)': '58.545',
    'gross_revenue country (unknown)': '58.545',
    'order_lines status paid': '2',
    'order_lines status pending': '1',
    'orders vendor SHOPNOW': '4',
    'gross_revenue currency EUR': '58.545',
  })
  const dimensions = ['channel', 'region', 'vendor', 'category', 'country', 'status', 'currency']
  for (const dimension of dimensions) {
    const parts = Object.entries(day).filter(([name]) =>
      name.startsWith(`gross_revenue ${dimension} `),
    )
    const thousandths = parts.reduce((sum, [, value]) => sum + Math.round(Number(value) * 1000), 0)
    expect({ dimension, thousandths }).toEqual({ dimension, thousandths: 58_545 })
  }
})

test('amounts of two currencies are not added up, and right by currency', async () => {
  await facts([{ unit_price: 10 }, { unit_price: 7, currency: 'GBP' }])
  await computeMetrics()
  expect(await figures()).toMatchObject({
    gross_revenue: null,
    average_order_value: null,
    orders: '2',
    'gross_revenue currency EUR': '10',
    'gross_revenue currency GBP': '7',
  })
})

test('a day with fees alone has orders 0 and no average; a day with nothing has no row', async () => {
  await facts([{ line_type: 'fee' }])
  await computeMetrics()
  expect(await figures()).toMatchObject({
    orders: '0',
    gross_revenue: '0',
    average_order_value: null,
    customers: '0',
  })
  await facts([])
  expect(await computeMetrics()).toEqual({ dates: 1, rowsOut: 0 })
})

test('figures of events are what a hand count gives; anonymous visitors count', async () => {
  const step = (session_id: string | null, event_type: string, user_id: string | null = null) => ({
    session_id,
    event_type,
    user_id,
  })
  await facts(
    [],
    [
      step('s1', 'page_view'),
      step('s1', 'view_product'),
      step('s1', 'view_product'),
      step('s1', 'add_to_cart', 'u1'),
      step('s1', 'checkout', 'u1'),
      step('s1', 'purchase', 'u1'),
      step('s2', 'view_product'),
      step('s2', 'add_to_cart'),
      step('s3', 'view_product', 'u2'),
      step('s4', 'purchase', 'u3'), // bought without a look: in no rate
      step(null, 'page_view'),
    ],
  )
  await computeMetrics()
  expect(await figures()).toEqual({
    events: '11',
    'events event_type page_view': '2',
    'events event_type view_product': '4',
    'events event_type add_to_cart': '2',
    'events event_type checkout': '1',
    'events event_type purchase': '2',
    visitors: '3',
    anonymous_share: '0.545455',
    sessions: '4',
    'sessions step view': '3',
    'sessions step cart': '2',
    'sessions step checkout': '1',
    'sessions step purchase': '2',
    view_to_cart_rate: '0.666667',
    cart_to_checkout_rate: '0.5',
    checkout_to_purchase_rate: '1',
    view_to_purchase_rate: '0.333333',
  })
})

test('a rate without a denominator is null', async () => {
  await facts([], [{ event_type: 'page_view', session_id: null }])
  await computeMetrics()
  expect(await figures()).toMatchObject({
    sessions: '0',
    view_to_cart_rate: null,
    view_to_purchase_rate: null,
  })
})

test('joining facts to dimensions neither repeats nor drops a line', async () => {
  await database.db.query(
    `insert into warehouse.dim_product (product_key, shop_id, vendor_id, product_id, category, valid_from, valid_to, is_inferred)
     values (1, 'main', 'SHOPNOW', 'p1', 'Old', '-infinity', '2025-12-01', false),
       (2, 'main', 'SHOPNOW', 'p1', 'New', '2025-12-01', 'infinity', false);
     insert into warehouse.dim_user (user_key, shop_id, user_id, customer_country, valid_from, valid_to, is_inferred)
     values (1, 'main', 'u1', 'DE', '-infinity', '2025-12-01', false),
       (2, 'main', 'u1', 'FR', '2025-12-01', 'infinity', false)`,
  )
  await facts([
    { product_key: 1, user_key: 1 },
    { product_key: 2, user_key: 2 },
    { product_key: 99, user_key: 99 },
  ])
  await computeMetrics()
  expect(await figures()).toMatchObject({
    order_lines: '3',
    'units category Old': '1',
    'units category New': '1',
    'units category (unknown)': '1',
    'units country DE': '1',
    'units country FR': '1',
    'units country (unknown)': '1',
  })
})

test('records of a delivery and its failed checks are figures; checks against history are not', async () => {
  await database.db.query(
    `insert into audit.source_files (source, load_date, path, sha256, bytes, format, state, records_received,
       records_loaded, records_quarantined, records_duplicate, run_id)
     values ('orders', $1, 'a', '1', 1, 'json', 'loaded', 10, 7, 2, 1, 'run-1'),
       ('events', $1, 'b', '2', 1, 'csv', 'loaded', 30, 30, 0, 0, 'run-1'),
       ('events', $1, 'old', '3', 1, 'csv', 'superseded', 99, 99, 0, 0, 'run-1'),
       ('online_retail', $1, 'c', '4', 1, 'csv', 'loaded', 500, 500, 0, 0, 'run-2')`,
    [monday],
  )
  await database.db.query(
    `insert into audit.dq_results (run_id, check_id, dag_id, logical_date, table_name, severity, is_passed, expected, actual)
     select run_id, check_id, 'ecommerce_daily', $1, 't', 'warn', is_passed, '', ''
     from (values ('run-1', 'orders_exact_copies', false), ('run-1', 'orders_revenue', true),
       ('run-1', 'orders_usual_volume', false), ('run-0', 'orders_revenue', false)) c (run_id, check_id, is_passed)`,
    [monday],
  )
  await facts([])
  await computeMetrics()
  expect(await figures()).toEqual({
    records_received: '40',
    'records_received source orders': '10',
    'records_received source events': '30',
    records_loaded: '37',
    'records_loaded source orders': '7',
    'records_loaded source events': '30',
    records_quarantined: '2',
    'records_quarantined source orders': '2',
    'records_quarantined source events': '0',
    records_duplicate: '1',
    'records_duplicate source orders': '1',
    'records_duplicate source events': '0',
    failed_checks: '1',
  })
})

test('every figure stored is in the registry, and every registered figure is stored', async () => {
  await database.db.query(
    `insert into audit.source_files (source, load_date, path, sha256, bytes, format, state, records_received,
       records_loaded, records_quarantined, records_duplicate, run_id)
     values ('orders', $1, 'a', '1', 1, 'json', 'loaded', 10, 7, 2, 1, 'run-1')`,
    [monday],
  )
  await database.db.query(
    `insert into audit.dq_results (run_id, check_id, dag_id, logical_date, table_name, severity, is_passed, expected, actual)
     values ('run-1', 'orders_revenue', 'ecommerce_daily', $1, 't', 'warn', true, '', '')`,
    [monday],
  )
  await facts(mixedLines, [{ event_type: 'view_product' }])
  await computeMetrics()
  const stored = await database.db.query<{ metric: string; dimension: string }>(
    `select distinct metric, dimension from ${build.schema}.daily_metrics`,
  )
  const registered = metrics.flatMap(({ id, dimensions }) =>
    ['all', ...dimensions].map((dimension) => `${id} ${dimension}`),
  )
  expect(stored.rows.map((row) => `${row.metric} ${row.dimension}`).sort()).toEqual(
    registered.sort(),
  )
  expect([...new Set(metrics.map((metric) => metric.family))].sort()).toEqual(
    [...metricFamilies].sort(),
  )
})

test('computing twice leaves the same rows', async () => {
  await facts(mixedLines, [{ event_type: 'view_product' }])
  const first = await computeMetrics()
  const rows = await figures()
  expect(await computeMetrics()).toEqual(first)
  expect(await figures()).toEqual(rows)
})
