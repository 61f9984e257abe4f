import { afterEach, expect, test } from 'vitest'
import { loadConfig } from '../../platform/config.ts'
import { inTransaction } from '../../platform/database.ts'
import { dropRecord, findRecord, fixRecord } from '../../platform/quarantined-record.ts'
import { configuredSources } from '../../platform/sources.ts'
import { digestTables } from '../../platform/table-digests.ts'
import { deliverDay, eventsHeader, orderOn, sampleShop } from '../support/sample-day.ts'
import { badRecords } from '../support/staged-rows.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

const databases: TestDatabase[] = []
afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop()
})

const monday = '2025-12-15'
const tuesday = '2025-12-16'
const ordersFile = `orders/${monday}/orders.json`
const eventsFile = `events/${monday}/events.csv`
const sources = configuredSources(loadConfig({}))
const signature = { by: 'ada', reason: 'told by phone' }

/** A shop on a database of its own. */
async function newShop() {
  const database = await testDatabase()
  databases.push(database)
  const { db } = database
  const shop = sampleShop(db)
  const fixTo = (path: string, recordNo: number, text: string, isDryRun = false) =>
    fixRecord(db, {
      ...{ sources, signature, isDryRun, id: { path, recordNo } },
      correct: () => Buffer.from(text, 'utf8'),
    })
  const rows = async (sql: string) => (await db.query(sql)).rows
  return {
    ...{ db, shop, fixTo, rows },
    drop: (path: string, recordNo: number) =>
      dropRecord(db, { sources, signature, id: { path, recordNo } }),
    find: (path: string, recordNo: number) => findRecord(db, sources, { path, recordNo }),
    books: () => digestTables(db),
    orders: () =>
      rows('select order_id, unit_price from warehouse.fact_orders order by order_id, line_no'),
    files: () =>
      rows(
        `select path, records_received as received, records_loaded as loaded,
           records_quarantined as quarantined, records_duplicate as duplicates
         from audit.source_files where state = 'loaded' order by path`,
      ),
  }
}

const ada = { user_id: 'ada', customer_name: 'Ada', customer_country: 'FR' }
const event = (id: string, product: string) =>
  `${id},ada,${product},view_product,${monday}T10:00:00Z,s1,/p,x`

/** Monday and Tuesday of a shop; `wrong` and `right` differ in the records that are corrected. */
const corrections = {
  wrong: {
    order: orderOn(monday, 'b', { ...ada, price: 'abc' }),
    lines: orderOn(monday, 'c', { items: [{ product_id: 'A', quantity: 0, price: 1 }] }),
    event: event('e2', ''),
  },
  right: {
    order: orderOn(monday, 'b', { ...ada, price: 7.5 }),
    lines: orderOn(monday, 'c', {
      items: [
        { product_id: 'A', quantity: 2, price: 1 },
        { product_id: 'B', quantity: 1, price: 3 },
      ],
    }),
    event: event('e2', 'PRD-1'),
  },
}

function deliver(
  shop: Awaited<ReturnType<typeof newShop>>['shop'],
  { order, lines, event: second }: (typeof corrections)['wrong' | 'right'],
) {
  const orders = [orderOn(monday, 'a', ada), order, lines]
  deliverDay(shop, monday, orders, [event('e1', 'PRD-1'), second])
  deliverDay(shop, tuesday, [orderOn(tuesday, 'd', ada)], [event('e9', 'PRD-1')])
}

test('fixed records of a closed day give the books of a shop whose files were right at first', async () => {
  const wrong = await newShop()
  deliver(wrong.shop, corrections.wrong)
  await wrong.shop.runDay(monday)
  await wrong.shop.runDay(tuesday)
  const { order, lines, event: second } = corrections.right
  await wrong.fixTo(ordersFile, 2, JSON.stringify(order))
  await wrong.fixTo(ordersFile, 3, JSON.stringify(lines))
  await wrong.fixTo(eventsFile, 3, second)
  await wrong.shop.runDay(monday)

  const right = await newShop()
  deliver(right.shop, corrections.right)
  await right.shop.runDay(monday)
  await right.shop.runDay(tuesday)
  expect(await wrong.books()).toEqual(await right.books())
  expect(await wrong.files()).toEqual(await right.files())
  expect(await wrong.rows('select * from audit.bad_records')).toEqual([])
  await wrong.shop.runDay(tuesday)
  await wrong.shop.runDay(monday)
  expect(await wrong.books()).toEqual(await right.books())
  expect((await wrong.orders()).map((row) => row.order_id)).toEqual(['a', 'b', 'c', 'c', 'd'])
})

test('raw stays as delivered, and who changed what is kept', async () => {
  const { shop, fixTo, rows, find } = await newShop()
  const bad = JSON.stringify(orderOn(monday, 'b', { quantity: 0 }))
  const good = JSON.stringify(orderOn(monday, 'b', { quantity: 3 }))
  deliverDay(shop, monday, [orderOn(monday, 'a'), JSON.parse(bad)], [])
  await shop.runDay(monday)
  await fixTo(ordersFile, 2, good)
  expect((await find(ordersFile, 2)).decisions).toMatchObject([{ published_at: null }])
  await shop.runDay(monday)
  expect(await rows('select record from raw.orders where record_no = 2')).toEqual([{ record: bad }])
  expect((await find(ordersFile, 2)).decisions).toMatchObject([
    { record_before: bad, record_after: good, made_by: 'ada', reason: 'told by phone' },
  ])
  expect((await find(ordersFile, 2)).decisions[0]?.published_at).toBeInstanceOf(Date)
})

test('a text that breaks rules, or that no table can hold, is judged and not kept', async () => {
  const { shop, fixTo, rows } = await newShop()
  deliverDay(shop, monday, [orderOn(monday, 'a'), orderOn(monday, 'b', { quantity: 0 })], [])
  await shop.runDay(monday)
  const texts = [
    ['{"order_id": "b"}', 'user_id_required'],
    ['{"order_id": tru}', 'malformed'],
    ['{"order_id": "\\u0000"}', 'malformed'],
    ['{"order_id": "\\ud800"}', 'malformed'],
    ['{"order_id": "\0"}', 'bad_encoding'],
  ] as const
  for (const [text, rule] of texts) {
    const { judged } = await fixTo(ordersFile, 2, text)
    expect(judged.problems.map((problem) => problem.rule)).toContain(rule)
  }
  expect(await rows('select * from audit.record_fixes')).toEqual([])
})

test('a text that is not one record is refused', async () => {
  const { shop, fixTo } = await newShop()
  deliverDay(shop, monday, [orderOn(monday, 'a'), orderOn(monday, 'b', { quantity: 0 })], [])
  await shop.runDay(monday)
  const texts = [
    '{"order_id": "b"}, {"order_id": "c"}',
    '',
    '{"order_id": "b"',
    '{"order_id": "b"}] {',
  ]
  for (const text of texts) {
    await expect(fixTo(ordersFile, 2, text), text).rejects.toMatchObject({ name: 'NotOneRecord' })
  }
})

test('times without a zone are read in that of the shop', async () => {
  const { shop, db } = await newShop()
  deliverDay(shop, monday, [orderOn(monday, 'a'), orderOn(monday, 'b', { quantity: 0 })], [])
  await shop.runDay(monday)
  const lastHour = JSON.stringify(orderOn(monday, 'b', { timestamp: `${monday}T23:30:00` }))
  const { judged } = await fixRecord(db, {
    ...{ signature, isDryRun: true, id: { path: ordersFile, recordNo: 2 } },
    sources: configuredSources(loadConfig({ SHOP_TIME_ZONE: 'Europe/Paris' })),
    correct: () => Buffer.from(lastHour),
  })
  expect(judged.problems).toEqual([])
})

test('a fix is read by the header and the quotes of its file', async () => {
  const { shop, fixTo, rows } = await newShop()
  shop.deliver(ordersFile, JSON.stringify([orderOn(monday, 'a')]))
  const header = eventsHeader.split(',').reverse().join(',')
  shop.deliver(eventsFile, `${header}\nx,/p,s1,${monday}T10:00:00Z,view_product,,u1,e1\n`)
  await shop.runDay(monday)
  const quoted = `"x, ""y""\nz",/p,s1,${monday}T10:00:00Z,view_product,P1,u1,e1`
  const { judged } = await fixTo(eventsFile, 2, quoted)
  expect(judged.problems).toEqual([])
  await shop.runDay(monday)
  expect(await rows('select event_id, user_agent, product_id from staging.events_clean')).toEqual([
    { event_id: 'e1', user_agent: 'x, "y"\nz', product_id: 'P1' },
  ])
})

test('a dry run keeps nothing, and a record that is booked as delivered cannot be fixed', async () => {
  const { shop, fixTo, rows } = await newShop()
  deliverDay(shop, monday, [orderOn(monday, 'a'), orderOn(monday, 'b', { quantity: 0 })], [])
  await shop.runDay(monday)
  const good = JSON.stringify(orderOn(monday, 'b'))
  expect((await fixTo(ordersFile, 2, good, true)).judged.problems).toEqual([])
  expect(await rows('select * from audit.record_fixes')).toEqual([])
  await expect(fixTo(ordersFile, 1, good)).rejects.toThrow('is not in quarantine')
  await expect(fixTo(ordersFile, 3, good)).rejects.toThrow('has no record 3')
})

test('a fix to a key that the day has already is a duplicate, and conservation holds', async () => {
  const { shop, fixTo, files, orders } = await newShop()
  const wrong = orderOn(monday, 'b', { quantity: 0 })
  deliverDay(shop, monday, [wrong, orderOn(monday, 'a', { price: 5 })], [])
  await shop.runDay(monday)
  await fixTo(ordersFile, 1, JSON.stringify(orderOn(monday, 'a', { price: 4 })))
  await shop.runDay(monday)
  expect((await files())[1]).toEqual({
    ...{ path: ordersFile, received: 2, loaded: 1, quarantined: 0, duplicates: 1 },
  })
  expect(await orders()).toEqual([{ order_id: 'a', unit_price: '5' }])
})

test('a fix holds for the content of its file: not for another one, again when it returns', async () => {
  const { shop, fixTo, rows, orders, files, db } = await newShop()
  const first = [orderOn(monday, 'a'), orderOn(monday, 'b', { quantity: 0 })]
  deliverDay(shop, monday, first, [])
  await shop.runDay(monday)
  await fixTo(ordersFile, 2, JSON.stringify(orderOn(monday, 'b')))
  await shop.runDay(monday)
  deliverDay(shop, monday, [orderOn(monday, 'z'), ...first.slice(1)], [])
  await shop.runDay(monday)
  expect((await orders()).map((row) => row.order_id)).toEqual(['z'])
  expect(await badRecords(db, 'orders', monday)).toEqual([
    { record_no: 2, rules: ['quantity_min'] },
  ])
  expect(await rows('select file_id from audit.fixes_in_force')).toEqual([{ file_id: null }])
  deliverDay(shop, monday, first, [])
  await shop.runDay(monday)
  expect((await orders()).map((row) => row.order_id)).toEqual(['a', 'b'])
  expect((await files())[1]).toMatchObject({ received: 2, loaded: 2, quarantined: 0 })
})

test('a fix that was wrong is fixed again or taken back, and the books follow', async () => {
  const { shop, fixTo, drop, orders, find, db } = await newShop()
  deliverDay(shop, monday, [orderOn(monday, 'a'), orderOn(monday, 'b', { quantity: 0 })], [])
  await shop.runDay(monday)
  for (const price of [4, 5]) {
    await fixTo(ordersFile, 2, JSON.stringify(orderOn(monday, 'b', { price })))
    await shop.runDay(monday)
    expect(await orders()).toContainEqual({ order_id: 'b', unit_price: String(price) })
  }
  await drop(ordersFile, 2)
  expect((await find(ordersFile, 2)).decisions.at(-1)).toMatchObject({ published_at: null })
  await shop.runDay(monday)
  expect((await orders()).map((row) => row.order_id)).toEqual(['a'])
  expect(await badRecords(db, 'orders', monday)).toEqual([
    { record_no: 2, rules: ['quantity_min'] },
  ])
})

test('a record that is given up stays counted, and waits for no run', async () => {
  const { shop, drop, find, files } = await newShop()
  deliverDay(shop, monday, [orderOn(monday, 'a'), orderOn(monday, 'b', { quantity: 0 })], [])
  await shop.runDay(monday)
  await drop(ordersFile, 2)
  const { decisions, text, delivered } = await find(ordersFile, 2)
  expect(decisions).toMatchObject([{ action: 'drop', published_at: expect.any(Date) }])
  expect(text).toBe(delivered)
  await shop.runDay(monday)
  expect((await files())[1]).toMatchObject({ loaded: 1, quarantined: 1 })
})

test('a fix that breaks a rule by now returns to quarantine with its own text', async () => {
  const { shop, fixTo, rows, db } = await newShop()
  deliverDay(shop, monday, [orderOn(monday, 'a'), orderOn(monday, 'b', { quantity: 0 })], [])
  await shop.runDay(monday)
  await fixTo(ordersFile, 2, JSON.stringify(orderOn(monday, 'b')))
  const stale = JSON.stringify(orderOn('2020-01-01', 'b'))
  await inTransaction(db, (transaction) =>
    transaction.query('update audit.record_fixes set record_after = $1', [stale]),
  )
  await shop.runDay(monday)
  expect(await rows('select rules, record from audit.bad_records')).toEqual([
    { rules: ['order_ts_not_too_old'], record: stale },
  ])
})

test('the rules of an order name the lines that break them', async () => {
  const { shop, rows } = await newShop()
  const items = [
    { product_id: 'A', quantity: 1, price: 1 },
    { product_id: 'B', quantity: 0, price: 'x' },
    { product_id: 'C', quantity: -1, price: 1 },
  ]
  deliverDay(shop, monday, [orderOn(monday, 'a'), orderOn(monday, 'b', { items })], [])
  await shop.runDay(monday)
  expect(await rows('select problems from audit.bad_records')).toEqual([
    {
      problems: [
        { rule: 'quantity_min', column: 'quantity', value: '-1, 0, 1', lines: [2, 3] },
        { rule: 'unit_price_type', column: 'unit_price', value: '1, x', lines: [2] },
      ],
    },
  ])
})
