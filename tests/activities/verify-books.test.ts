import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  compareBooks,
  rebuildBooks,
  verifyBooks,
  type ShopComparison,
} from '../../activities/verify-books.ts'
import { inDiscardedTransaction } from '../../platform/database.ts'
import { publishedShops } from '../../schedules/published-shops.ts'
import { orderOn } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { wholeDays } from '../support/whole-days.ts'

let database: TestDatabase
let shop: ReturnType<typeof wholeDays>

const [saturday, sunday, monday, tuesday] = [
  ...['2025-12-13', '2025-12-14', '2025-12-15', '2025-12-16'],
] as const
const header = 'event_id,user_id,product_id,event_type,event_ts,session_id,url,user_agent'

function event(date: string, id: string, user: string, product: string): string {
  return `${id},${user},${product},view_product,${date}T09:00:00Z,s-${id},/,x`
}

function deliver(date: string, orders: unknown[], events: string[], products?: unknown[]) {
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(orders))
  shop.deliver(`events/${date}/events.csv`, [header, ...events, ''].join('\n'))
  if (products) shop.deliver(`products/products_${date}.json`, JSON.stringify(products))
}

/** Enough orders of one product for the classic rule, and one that it finds. */
function usualOrders(date: string, quantity = 2): unknown[] {
  return Array.from({ length: 6 }, (_, index) =>
    orderOn(date, `${date}-${index}`, {
      ...{ user_id: `USR-${index}`, quantity: 1 + (index % 3), customer_name: `Name ${index}` },
    }),
  ).concat(orderOn(date, `${date}-many`, { quantity }))
}

function verify(): Promise<ShopComparison[]> {
  return verifyBooks(database.db, shop.sources, {
    ...{ shops: publishedShops(), areAll: true, samples: 3 },
  })
}

const differing = (tables: readonly ShopComparison[]) => tables.filter(({ isEqual }) => !isEqual)

beforeAll(async () => {
  database = await testDatabase()
  shop = wholeDays(database.db)
  deliver(saturday, usualOrders(saturday), [event(saturday, 'e1', 'USR-1', 'PRD-1')])
  deliver(sunday, usualOrders(sunday, 40), [
    event(sunday, 'e2', 'USR-9', 'PRD-1'),
    event(sunday, 'e3', '', 'PRD-SEEN'),
  ])
  const lamp = { product_id: 'PRD-1', name: 'Lamp', category: 'light', price: 10 }
  deliver(
    monday,
    [
      ...usualOrders(monday, 50),
      orderOn(saturday, `${saturday}-1`, { status: 'refunded', user_id: 'USR-1' }),
      orderOn('2025-11-20', 'late', { user_id: 'USR-NEW', product_id: 'PRD-2', vendor_id: 'V-2' }),
    ],
    [event(monday, 'e4', 'USR-2', 'PRD-2'), event(sunday, 'e1', 'USR-1', 'PRD-1')],
    [lamp, { product_id: 'PRD-2', vendor_id: 'V-2', name: 'Desk', price: 99.5 }],
  )
  for (const date of [monday, saturday, sunday]) await shop.runDay(date)
  deliver(sunday, usualOrders(sunday, 30).slice(1), [event(sunday, 'e2', 'USR-9', 'PRD-1')])
  await shop.runDay(sunday)
}, 60_000)
afterAll(() => database.drop())

test('the books equal their rebuild after late records, a restatement and a catalogue', async () => {
  const tables = await verify()
  expect(differing(tables)).toEqual([])
  const rows = tables
    .filter(({ shop: id }) => id !== 'online_retail')
    .map(({ table, published }) => [table, published.rows])
  expect(Object.fromEntries(rows)).toMatchObject({
    ...{ dim_date: 365, dim_user: 8, dim_product: 2, fact_orders: 21, fact_events: 3 },
    ...{ anomalies: 2, order_scores: 2 },
  })
  expect(rows).toHaveLength(9)
  expect(rows.filter(([, count]) => count === 0)).toEqual([])
})

/** What verifying finds while the change is there; it is undone then. */
async function verifyAfter(change: string): Promise<ShopComparison[]> {
  return inDiscardedTransaction(database.db, async (transaction) => {
    await transaction.query(change)
    const books = await rebuildBooks(transaction, shop.sources, publishedShops())
    return differing(await compareBooks(transaction, books, { areAll: true, samples: 3 }))
  })
}

const aLine = `order_id = '${monday}-1'`
const aUser = `user_id = 'USR-1' and valid_to = 'infinity'`
const aFigure = `metric_date = '${monday}' and metric = 'orders' and dimension = 'all'`
const aFinding = `anomaly_id in (select anomaly_id from warehouse.order_scores where order_date = '${monday}')`

describe('a row that is tampered with by hand is found and named', () => {
  test.each([
    ['dim_date', `update warehouse.dim_date set is_weekend = true where date_key = 20251215`],
    ['dim_date', `delete from warehouse.dim_date where date_key = 20251215`],
    ['dim_user', `update warehouse.dim_user set customer_name = 'Eve' where ${aUser}`],
    ['dim_user', `update warehouse.dim_user set valid_from = '2025-12-01' where ${aUser}`],
    ['dim_product', `update warehouse.dim_product set price = 10.01 where product_id = 'PRD-1'`],
    [
      'dim_product',
      `update warehouse.dim_product set valid_to = '2026-01-01' where product_id = 'PRD-1' and valid_to = 'infinity'`,
    ],
    ['fact_orders', `update warehouse.fact_orders set status = 'cancelled' where ${aLine}`],
    ['fact_orders', `delete from warehouse.fact_orders where ${aLine}`],
    ['fact_events', `update warehouse.fact_events set user_id = null where event_id = 'e2'`],
    ['fact_events', `delete from warehouse.fact_events where event_id = 'e2'`],
    ['daily_metrics', `update warehouse.daily_metrics set value = value + 1 where ${aFigure}`],
    ['daily_metrics', `delete from warehouse.daily_metrics where ${aFigure}`],
    [
      'daily_metrics',
      `insert into warehouse.daily_metrics values ('main', '2030-01-01', 'orders', 'all', 'all', 1)`,
    ],
    ['metric_scores', `update warehouse.metric_scores set is_anomaly = true where ${aFigure}`],
    ['metric_scores', `delete from warehouse.metric_scores where ${aFigure}`],
    ['anomalies', `update warehouse.anomalies set median_qty = 1 where ${aFinding}`],
    ['anomalies', `insert into warehouse.anomalies values (7, 'o', 'p', 1, 1, 1, 1, now(), 'NEW')`],
    ['order_scores', `update warehouse.order_scores set line_no = 9 where ${aFinding}`],
    ['order_scores', `delete from warehouse.order_scores where ${aFinding}`],
  ])('%s: %s', async (table, change) => {
    const [found, ...others] = await verifyAfter(change)
    expect(found).toMatchObject({ table, isEqual: false, differingRows: 1 })
    expect(others).toEqual([])
  })

  test('a day of another year is one of a year that lacks its other days', async () => {
    const found = await verifyAfter(`insert into warehouse.dim_date
      select 20990101, '2099-01-01', 2099, 1, 1, 'January', 1, 2099, 1, 4, 'Thursday', false`)
    expect(found).toMatchObject([{ shop: null, table: 'dim_date', differingRows: 364 }])
  })

  test('a finding that is gone is missed in both of its tables', async () => {
    const found = await verifyAfter(`delete from warehouse.anomalies where ${aFinding}`)
    expect(found).toMatchObject([
      { shop: 'main', table: 'anomalies', differingRows: 1, samples: [{ found: 'only rebuilt' }] },
      { shop: 'main', table: 'order_scores', differingRows: 1 },
    ])
  })

  test('a range of validity that moved is shown with both of its values', async () => {
    const found = await verifyAfter(
      `update warehouse.dim_product set valid_to = '2026-01-01' where product_id = 'PRD-2'`,
    )
    expect(found[0]?.samples).toEqual([
      {
        key: {
          vendor_id: 'V-2',
          product_id: 'PRD-2',
          product_key: expect.stringMatching(/^-?\d+$/),
        },
        found: 'in both',
        columns: [{ column: 'valid_to', published: '2026-01-01 00:00:00+00', rebuilt: 'infinity' }],
      },
    ])
  })

  test('a row added to the facts is found, also one of a shop that nobody publishes', async () => {
    for (const [id, shopId] of [
      ['main', 'main'],
      ['other', null],
    ] as const) {
      const found = await verifyAfter(`insert into warehouse.fact_orders
        select '${id}', 'added', line_no, order_date, date_key, order_ts, user_key, product_key, user_id,
          vendor_id, product_id, quantity, unit_price, gross_amount, currency, status, line_type, channel,
          region, discount_code, is_exact_copy, delivery_date, file_id, record_no
        from warehouse.fact_orders where ${aLine}`)
      const sample = { key: { order_id: 'added' }, found: 'only published' }
      expect(found).toMatchObject([{ shop: shopId, table: 'fact_orders', samples: [sample] }])
    }
  })

  test('of many rows the first are shown, ordered by key, and all are counted', async () => {
    const found = await verifyAfter(`update warehouse.fact_orders set quantity = quantity + 1`)
    const [lines] = found.filter(({ table }) => table === 'fact_orders')
    expect(lines?.differingRows).toBe(21)
    const ids = lines?.samples.map(({ key }) => key['order_id'])
    expect(ids).toEqual([`${saturday}-0`, `${saturday}-1`, `${saturday}-2`])
  })
})

test('what people say of a finding is left out, and a judged one may stay when it is no longer found', async () => {
  expect(
    await verifyAfter(`
      update warehouse.anomalies set status = 'REVIEWED', investigator_notes = 'fair' where ${aFinding};
      insert into warehouse.anomalies values (7, 'o', 'p', 1, 1, 1, 1, now(), 'RESOLVED');
      insert into warehouse.order_scores values (7, 'main', '${monday}', 1, 'SHOPNOW', 9, 1)`),
  ).toEqual([])
})

test('a table without a row differs from nothing', async () => {
  const tables = await verify()
  const other = tables.filter(({ shop: id }) => id === 'online_retail')
  expect(other.map(({ published, isEqual }) => [published.rows, isEqual])).toEqual(
    Array.from({ length: 8 }, () => [0, true]),
  )
})

test('runs publish while the books are verified: neither waits for the other, nor is mixed up', async () => {
  await inDiscardedTransaction(database.db, async (transaction) => {
    const books = await rebuildBooks(transaction, shop.sources, publishedShops())
    deliver(tuesday, usualOrders(tuesday), [event(tuesday, 'e9', 'USR-3', 'PRD-1')])
    await shop.runDay(tuesday)
    deliver(sunday, usualOrders(sunday), [event(sunday, 'e2', 'USR-2', 'PRD-1')])
    await shop.runDay(sunday)
    const tables = await compareBooks(transaction, books, { areAll: true, samples: 3 })
    expect(differing(tables)).toEqual([])
    expect(tables.find(({ table }) => table === 'fact_orders')?.published.rows).toBe(21)
  })
  const tables = await verify()
  expect(differing(tables)).toEqual([])
  expect(tables.find(({ table }) => table === 'fact_orders')?.published.rows).toBe(29)
})

test('nothing remains of a verification', async () => {
  await verify()
  const { rows } = await database.db.query(
    `select nspname from pg_namespace where nspname like 'verify%' or nspname like 'next%'`,
  )
  expect(rows).toEqual([])
})

test('a restatement that is staged and not published yet changes nothing', async () => {
  deliver(monday, usualOrders(monday).slice(3), [event(monday, 'e4', 'USR-2', 'PRD-2')])
  await shop.stageDay(monday)
  expect(differing(await verify())).toEqual([])
  await shop.runDay(tuesday)
  expect(differing(await verify())).toEqual([])
  await shop.runDay(monday)
  expect(differing(await verify())).toEqual([])
})
