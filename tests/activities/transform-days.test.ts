import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventsHeader, order, sampleShop } from '../support/sample-day.ts'
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

test('of one id delivered twice the later record counts, the other is a recognised duplicate', async () => {
  const date = someDate()
  const timestamp = `${date}T10:00:00Z`
  const { result } = await stageOrders(
    date,
    order('twice', { timestamp, status: 'pending' }),
    order('once', { timestamp }),
    order('twice', { timestamp, status: 'paid' }),
  )
  expect(result).toMatchObject({ rowsIn: 3, rowsOut: 2, rowsRejected: 0, duplicates: 1 })
  const rows = await database.db.query(
    `select status from ${candidate('orders', date)} where load_date = $1 and order_id = $2`,
    [date, 'twice'],
  )
  expect(rows.rows).toEqual([{ status: 'paid' }])
  const duplicates = await database.db.query(
    'select record_no, kept_record_no from audit.duplicate_records where load_date = $1',
    [date],
  )
  expect(duplicates.rows).toEqual([{ record_no: 1, kept_record_no: 3 }])
})

test('events: anonymous ones and ones without an id are kept, rows of a wrong width are not', async () => {
  const date = someDate()
  const shop = sampleShop(database.db)
  shop.deliver(
    `events/${date}/events.csv`,
    [
      eventsHeader,
      `e1,,,page_view,${date}T10:00:00Z,s1,/,x`,
      `,u1,P1,view_product,${date}T10:00:01Z,s1,"/a,b",x`,
      `e3,u1,P1,view_product,${date}T10:00:00Z,s1,/`,
      `e4,u1,P1,view_product,${date}T10:00:00Z,s1,/,x,more`,
      `e5,u1,,add_to_cart,${date}T10:00:00Z,s1,/,x`,
      `e6,u1,P1,stare,${date}T10:00:00Z,s1,/,x`,
      '',
    ].join('\r\n'),
  )
  const result = await shop.stage('events', date)
  expect(result).toMatchObject({ rowsIn: 6, rowsOut: 2, rowsRejected: 4 })
  expect(await badRecords(database.db, 'events', date)).toEqual([
    { record_no: 4, rules: ['too_few_columns'] },
    { record_no: 5, rules: ['too_many_columns'] },
    { record_no: 6, rules: ['product_id_required'] },
    { record_no: 7, rules: ['event_type_accepted'] },
  ])
  const staged = await database.db.query(
    `select event_id, user_id, url from ${candidate('events', date)} where load_date = $1 order by record_no`,
    [date],
  )
  expect(staged.rows).toEqual([
    { event_id: 'e1', user_id: null, url: '/' },
    { event_id: expect.stringMatching(/^[0-9a-f]{32}$/), user_id: 'u1', url: '/a,b' },
  ])
})

test('a row in a wrong encoding is quarantined readable, the file loads', async () => {
  const date = someDate()
  const shop = sampleShop(database.db)
  const line = (id: string, url: string) =>
    `${id},u1,P1,view_product,${date}T10:00:00Z,s1,${url},x\n`
  shop.deliver(
    `events/${date}/events.csv`,
    Buffer.concat([
      Buffer.from(`${eventsHeader}\n${line('e1', '/é')}`),
      Buffer.from(line('e2', '/caf\xe9'), 'latin1'),
      Buffer.from(line('e3', '/nul\0')),
    ]),
  )
  expect(await shop.stage('events', date)).toMatchObject({ rowsIn: 3, rowsOut: 1, rowsRejected: 2 })
  const rows = await database.db.query<{ record: string }>(
    'select record from audit.bad_records where load_date = $1 order by record_no',
    [date],
  )
  expect(rows.rows[0]?.record).toContain('/café')
})

test('unknown columns are kept and named; a column missing in every record stops the day', async () => {
  const date = someDate()
  const timestamp = `${date}T10:00:00Z`
  const { result } = await stageOrders(
    date,
    order('a', { timestamp, gift: true }),
    order('b', { timestamp }),
  )
  expect(result.unknownColumns).toEqual(['gift'])
  const rows = await database.db.query(
    `select extras from ${candidate('orders', date)} where load_date = $1 order by order_id`,
    [date],
  )
  expect(rows.rows).toEqual([{ extras: { gift: true } }, { extras: null }])
  const other = someDate()
  await expect(
    stageOrders(other, order('a', { price: undefined }), order('b', { price: undefined })),
  ).rejects.toMatchObject({
    type: 'SchemaDrift',
    nonRetryable: true,
    message: expect.stringContaining('carries price:'),
  })
})

test('staging a day twice leaves the same rows; a corrected file empties the quarantine', async () => {
  const date = someDate()
  const timestamp = `${date}T10:00:00Z`
  const { shop } = await stageOrders(
    date,
    order('a', { timestamp }),
    order('b', { timestamp, price: 'abc' }),
  )
  const state = async () => {
    const tables = [candidate('orders', date), 'audit.bad_records', 'audit.duplicate_records']
    const rows = tables.map((table) =>
      database.db.query(`select * from ${table} where load_date = $1 order by 1, 2, 3`, [date]),
    )
    return (await Promise.all(rows)).map((result) => result.rows)
  }
  const before = await state()
  await shop.stage('orders', date)
  expect(await state()).toEqual(before)
  shop.deliver(
    `orders/${date}/orders.json`,
    JSON.stringify([order('a', { timestamp }), order('b', { timestamp, price: 1 })]),
  )
  expect(await shop.stage('orders', date)).toMatchObject({ rowsIn: 2, rowsOut: 2, rowsRejected: 0 })
  expect(await badRecords(database.db, 'orders', date)).toEqual([])
})

test("an order's total is no price of its lines; what a line says beyond the contract is kept", async () => {
  const date = someDate()
  const timestamp = `${date}T10:00:00Z`
  const nested = (id: string, fields: object, items: unknown[]) => ({
    ...{ order_id: id, user_id: 'u', timestamp, status: 'paid', ...fields },
    items,
  })
  await stageOrders(
    date,
    nested('total', { price: 100 }, [
      { product_id: 'A', quantity: 1 },
      { product_id: 'B', quantity: 1 },
    ]),
    nested('numbers', { product_id: 'A', quantity: 1, price: 1 }, [1, 2]),
    nested('gift', { note: 'hi' }, [{ product_id: 'A', quantity: 1, price: 1, wrap: 'red' }]),
  )
  expect((await badRecords(database.db, 'orders', date)).map(({ rules }) => rules)).toEqual([
    ['unit_price_required'],
    ['product_id_required', 'quantity_required', 'unit_price_required'],
  ])
  const rows = await database.db.query(`select order_id, extras from ${candidate('orders', date)}`)
  expect(rows.rows).toEqual([{ order_id: 'gift', extras: { note: 'hi', wrap: 'red' } }])
})

test('a file with a hundred unknown columns keeps them all', async () => {
  const date = someDate()
  const shop = sampleShop(database.db)
  const names = Array.from({ length: 100 }, (_, index) => `more_${index}`)
  const line = `e1,,,page_view,${date}T10:00:00Z,s1,/,x,${names.map((_, index) => index).join(',')}`
  shop.deliver(`events/${date}/events.csv`, `\uFEFF${eventsHeader},${names.join(',')}\n${line}\n`)
  expect(await shop.stage('events', date)).toMatchObject({ rowsOut: 1 })
  const rows = await database.db.query<{ last: string }>(
    `select extras ->> 'more_99' as last from ${candidate('events', date)}`,
  )
  expect(rows.rows).toEqual([{ last: '99' }])
})

test('of two files of a day the later name counts, whichever was corrected last', async () => {
  const date = someDate()
  const timestamp = `${date}T10:00:00Z`
  const shop = sampleShop(database.db)
  const quantityOf = async () => {
    await shop.stage('orders', date)
    const rows = await database.db.query<{ quantity: number }>(
      `select quantity from ${candidate('orders', date)} where order_id = 'x'`,
    )
    return rows.rows
  }
  const deliver = (name: string, ...records: unknown[]) => {
    shop.deliver(`orders/${date}/${name}`, JSON.stringify(records))
  }
  deliver('a.json', order('x', { timestamp, quantity: 1 }), order('other', { timestamp }))
  deliver('b.json', order('x', { timestamp, quantity: 5 }))
  expect(await quantityOf()).toEqual([{ quantity: 5 }])
  deliver(
    'a.json',
    order('x', { timestamp, quantity: 1 }),
    order('other', { timestamp, quantity: 9 }),
  )
  expect(await quantityOf()).toEqual([{ quantity: 5 }])
})
