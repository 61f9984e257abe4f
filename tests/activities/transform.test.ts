import { afterAll, beforeAll, expect, test } from 'vitest'
import { order, sampleShop } from '../support/sample-day.ts'
import { badRecords, candidate } from '../support/staged-rows.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

let nextDay = 1
function someDate(): string {
  return new Date(Date.UTC(2025, 0, nextDay++)).toISOString().slice(0, 10)
}

async function stageOrders(date: string, ...records: unknown[]) {
  const shop = sampleShop(database.db)
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(records))
  return { shop, result: await shop.stage('orders', date) }
}

test.each([
  ['a missing id', { order_id: undefined }, ['order_id_required']],
  ['an empty id', { order_id: '' }, ['order_id_required']],
  ['an id of blanks', { order_id: '  ' }, ['order_id_required']],
  ['null keys', { user_id: null, product_id: null }, ['user_id_required', 'product_id_required']],
  ['price "abc"', { price: 'abc' }, ['unit_price_type']],
  ['a price in exponents', { price: '1e3' }, ['unit_price_type']],
  ['price NaN', { price: 'NaN' }, ['unit_price_type']],
  ['price zero', { price: 0 }, ['unit_price_min']],
  ['a negative price', { price: -1 }, ['unit_price_min']],
  ['quantity zero', { quantity: 0 }, ['quantity_min']],
  ['half a piece', { quantity: 1.5 }, ['quantity_type']],
  ['a huge quantity', { quantity: 100_001 }, ['quantity_max']],
  ['a quantity beyond integers', { quantity: 99_999_999_999 }, ['quantity_type']],
  ['an impossible date', { timestamp: '2025-13-45' }, ['order_ts_type']],
  ['a word for a time', { timestamp: 'now' }, ['order_ts_type']],
  ['the year 2099', { timestamp: '2099-01-01T00:00:00Z' }, ['order_ts_not_future']],
  ['a date long past', { timestamp: '2020-01-01T00:00:00Z' }, ['order_ts_not_too_old']],
  ['an unknown status', { status: 'lost' }, ['status_accepted']],
  ['a key of 300 letters', { order_id: 'x'.repeat(300) }, ['order_id_length']],
  ['two faults', { price: 'abc', quantity: -1 }, ['quantity_min', 'unit_price_type']],
])('%s goes to quarantine with exactly its rules, the rest loads', async (_, fields, rules) => {
  const date = someDate()
  const timestamp = `${date}T10:00:00Z`
  const { result } = await stageOrders(
    date,
    order('good', { timestamp }),
    order('bad', { timestamp, ...fields }),
  )
  expect(await badRecords(database.db, 'orders', date)).toEqual([{ record_no: 2, rules }])
  expect(result).toMatchObject({ rowsIn: 2, rowsOut: 1, rowsRejected: 1, duplicates: 0 })
})

test('elements that are no objects or no JSON are malformed records', async () => {
  const date = someDate()
  const shop = sampleShop(database.db)
  const good = JSON.stringify(order('good', { timestamp: `${date}T10:00:00Z` }))
  shop.deliver(
    `orders/${date}/orders.json`,
    `[${good}, "text", 7, {"order_id": tru}, {"order_id": "\\u0000"}]`,
  )
  await shop.stage('orders', date)
  expect((await badRecords(database.db, 'orders', date)).map((bad) => bad.rules)).toEqual(
    Array.from({ length: 4 }, () => ['malformed']),
  )
})

test('quarantine keeps the raw text, the field and its value', async () => {
  const date = someDate()
  const bad = order('bad', { price: 'abc', timestamp: `${date}T10:00:00Z` })
  await stageOrders(date, order('good', { timestamp: `${date}T10:00:00Z` }), bad)
  const rows = await database.db.query(
    'select record, record_id, problems from audit.bad_records where load_date = $1',
    [date],
  )
  expect(rows.rows).toEqual([
    {
      record: JSON.stringify(bad),
      record_id: 'bad',
      problems: [{ rule: 'unit_price_type', column: 'unit_price', value: 'abc' }],
    },
  ])
})

test('money stays exact and a nested order is one line an item', async () => {
  const date = someDate()
  const timestamp = `${date}T10:00:00+02:00`
  await stageOrders(date, order('flat', { price: 12.345, quantity: 3, timestamp }), {
    ...order('nested', { timestamp }),
    product_id: undefined,
    price: undefined,
    quantity: undefined,
    items: [
      { product_id: 'A', quantity: 1, price: '0.1' },
      { product_id: 'B', quantity: 2, price: 0.2, vendor_id: 'V001' },
    ],
  })
  const rows = await database.db.query(
    `select order_id, line_no, product_id, vendor_id, quantity * unit_price as amount, order_ts, order_date
     from ${candidate('orders', date)} where load_date = $1 order by order_id, line_no`,
    [date],
  )
  const orderTs = new Date(`${date}T08:00:00Z`)
  expect(rows.rows).toEqual([
    {
      order_id: 'flat',
      line_no: 1,
      product_id: 'PRD-1',
      vendor_id: 'SHOPNOW',
      amount: '37.035',
      order_ts: orderTs,
      order_date: date,
    },
    {
      order_id: 'nested',
      line_no: 1,
      product_id: 'A',
      vendor_id: 'SHOPNOW',
      amount: '0.1',
      order_ts: orderTs,
      order_date: date,
    },
    {
      order_id: 'nested',
      line_no: 2,
      product_id: 'B',
      vendor_id: 'V001',
      amount: '0.4',
      order_ts: orderTs,
      order_date: date,
    },
  ])
})

test('a nested order with one bad item, or none, is one bad record', async () => {
  const date = someDate()
  const timestamp = `${date}T10:00:00Z`
  const nested = (id: string, items: unknown[]) => ({
    order_id: id,
    user_id: 'u',
    timestamp,
    status: 'paid',
    items,
  })
  const { result } = await stageOrders(
    date,
    order('good', { timestamp }),
    nested('one-bad', [
      { product_id: 'A', quantity: 1, price: 1 },
      { product_id: 'B', quantity: 0, price: 1 },
    ]),
    nested('empty', []),
  )
  expect(result).toMatchObject({ rowsIn: 3, rowsOut: 1, rowsRejected: 2 })
  expect(await badRecords(database.db, 'orders', date)).toEqual([
    { record_no: 2, rules: ['quantity_min'] },
    { record_no: 3, rules: ['product_id_required', 'quantity_required', 'unit_price_required'] },
  ])
})
