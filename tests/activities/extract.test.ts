import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventsHeader, order, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

let nextDay = 1
/** A delivery date of the test's own, so that tests do not depend on each other. */
function someDate(): string {
  const day = new Date(Date.UTC(2024, 0, nextDay++))
  return day.toISOString().slice(0, 10)
}

async function rawRecords(source: string, date: string): Promise<string[]> {
  const rows = await database.db.query<{ record: string }>(
    `select record from raw.${source} where load_date = $1 order by file_id, record_no`,
    [date],
  )
  return rows.rows.map((row) => row.record)
}

function extracting(source: string, path: (date: string) => string) {
  return async (content: string | Uint8Array) => {
    const shop = sampleShop(database.db)
    const date = someDate()
    shop.deliver(path(date), content)
    const result = await shop.runTask(`extract_${source}`, shop.activities.extractSource, {
      date,
      source,
    })
    return { date, result, records: await rawRecords(source, date), shop }
  }
}
const extractOrders = extracting('orders', (date) => `orders/${date}/orders.json`)
const extractEvents = extracting('events', (date) => `events/${date}/events.csv`)

test('records of an array arrive verbatim, strange strings and line breaks included', async () => {
  const records = [
    '{"order_id": "a\\"]},{", "note": "back\\\\"}',
    '{\n  "order_id": "b",\t"x": [1, {"y": "é€"}]\n}',
    '"no object"',
    '17',
  ]
  const { records: found } = await extractOrders(` [${records.join(',\n')} ] \n`)
  expect(found).toEqual(records)
})

test('a single object and NDJSON are taken too', async () => {
  const one = JSON.stringify(order('o-1'), null, 2)
  expect((await extractOrders(one)).records).toEqual([one])
  const lines = [JSON.stringify(order('o-1')), JSON.stringify(order('o-2'))]
  expect((await extractOrders(lines.join('\n'))).records).toEqual(lines)
})

test('records cut across read chunks are whole', async () => {
  const long = Array.from(
    { length: 3 },
    (_, index) => `{"order_id":"${index}","note":"${'x\\"é'.repeat(400_000)}"}`,
  )
  const { records } = await extractOrders(`[${long.join(',')}]`)
  expect(records).toEqual(long)
})

test('a byte order mark is no part of the first record, gzip is read', async () => {
  const text = `\uFEFF[${JSON.stringify(order('o-1'))}]`
  expect((await extractOrders(text)).records).toEqual([JSON.stringify(order('o-1'))])
  const shop = sampleShop(database.db)
  const date = someDate()
  shop.deliver(
    `events/${date}/events.csv.gz`,
    gzipSync(`${eventsHeader}\ne1,,,page_view,2024-01-01,s,u,a\n`),
  )
  const result = await shop.runTask('extract_events', shop.activities.extractSource, {
    date,
    source: 'events',
  })
  expect(result.rowsIn).toBe(1)
})

test('CRLF lines, quoted fields and line breaks in quotes are records', async () => {
  const { records } = await extractEvents(
    `${eventsHeader}\r\ne1,u1,p1,page_view,t,s,"a ""b"", c",x\r\ne2,u1,p1,page_view,t,s,"two\r\nlines",x\r\n`,
  )
  expect(records).toEqual([
    'e1,u1,p1,page_view,t,s,"a ""b"", c",x',
    'e2,u1,p1,page_view,t,s,"two\nlines",x',
  ])
})

test('a quote that never closes costs one record, not the rest of the file', async () => {
  const { date } = await extractEvents(
    `${eventsHeader}\ne1,u1,"p1,page_view,t,s,u,x\ne2,u1,p1,page_view,t,s,u,x\ne3,u1,p1,page_view,t,s,u,x\n`,
  )
  const rows = await database.db.query(
    'select record_no, problem from raw.events where load_date = $1 order by record_no',
    [date],
  )
  expect(rows.rows).toEqual([
    { record_no: 2, problem: 'malformed' },
    { record_no: 3, problem: null },
    { record_no: 4, problem: null },
  ])
})

test.each([
  [
    'truncated JSON',
    '[{"order_id":"1"},{"order_id":',
    /orders\.json is cut off: it ends inside record 2/,
  ],
  ['an unclosed array', '[{"order_id":"1"}', /is cut off/],
  ['no JSON', 'order_id,user_id\n1,2', /is not JSON records: it starts with "order_id/],
  ['text after the array', '[{"order_id":"1"}] x', /goes on after the end of its array/],
  ['UTF-16', Buffer.from('\uFEFF[]', 'utf16le'), /is UTF-16 text; save it as UTF-8/],
  ['only blanks', '  \n ', /holds no JSON at all/],
])('%s is refused with its place, and nothing of the file is kept', async (_, content, message) => {
  const shop = sampleShop(database.db)
  const date = someDate()
  shop.deliver(`orders/${date}/orders.json`, content)
  const extraction = shop.runTask('extract_orders', shop.activities.extractSource, {
    date,
    source: 'orders',
  })
  await expect(extraction).rejects.toMatchObject({
    type: 'UnreadableFile',
    nonRetryable: true,
    message,
  })
  const files = await database.db.query('select from audit.source_files where load_date = $1', [
    date,
  ])
  expect(files.rowCount).toBe(0)
})

test.each([
  ['in the middle of a line', 'e1,u1,p1,page_view,t,s,u,x\ne2,u1,p1', 3],
  ['inside quotes', 'e1,u1,p1,page_view,t,s,u,x\ne2,u1,p1,page_view,t,s,"u', 3],
])('a CSV that ends %s is cut off: its day stops', async (_, lines, line) => {
  await expect(extractEvents(`${eventsHeader}\n${lines}`)).rejects.toMatchObject({
    type: 'UnreadableFile',
    message: expect.stringContaining(`is cut off: it ends inside line ${line}`),
  })
})

test('a last line without a line end is a record', async () => {
  const { records } = await extractEvents(`${eventsHeader}\ne1,u1,p1,page_view,t,s,u,x`)
  expect(records).toEqual(['e1,u1,p1,page_view,t,s,u,x'])
})

test('a missing file, an empty file and a missing column say what is expected where', async () => {
  const shop = sampleShop(database.db)
  const date = someDate()
  const extract = (source: string) =>
    shop.runTask(`extract_${source}`, shop.activities.extractSource, { date, source })
  await expect(extract('orders')).rejects.toMatchObject({
    type: 'MissingSource',
    nonRetryable: true,
    message: `No orders file for ${date}: expected ${shop.landingDir}/orders/${date}/orders.json. Deliver it, then run the day again.`,
  })
  shop.deliver(`orders/${date}/orders.json`, '')
  await expect(extract('orders')).rejects.toMatchObject({ type: 'EmptyFile' })
  shop.deliver(`events/${date}/events.csv`, 'event_id,user_id,product_id,event_ts\n1,2,3,4\n')
  await expect(extract('events')).rejects.toMatchObject({
    type: 'SchemaDrift',
    message: `events/${date}/events.csv lacks the required column event_type; its header is: event_id,user_id,product_id,event_ts. Add the column, then deliver the file again`,
  })
})

test('the same file again loads nothing; under another name of its day it is a recognised duplicate', async () => {
  const { shop, date, result, records } = await extractOrders(`[${JSON.stringify(order('same'))}]`)
  const extract = (day: string) =>
    shop.runTask('extract_orders', shop.activities.extractSource, { date: day, source: 'orders' })
  expect(await extract(date)).toMatchObject({ rowsIn: result.rowsIn, rowsOut: 0 })
  shop.deliver(`orders/${date}/again.json`, `[${JSON.stringify(order('same'))}]`)
  await extract(date)
  expect(await rawRecords('orders', date)).toEqual(records)
  const files = await database.db.query(
    `select path, state, records_received, records_duplicate from audit.source_files
     where load_date = $1 order by path`,
    [date],
  )
  expect(files.rows).toMatchObject([
    {
      path: `orders/${date}/again.json`,
      state: 'duplicate',
      records_received: 1,
      records_duplicate: 1,
    },
    { path: `orders/${date}/orders.json`, state: 'loaded' },
  ])
})

test('the copy of a file that has changed is loaded in its place, in the same run', async () => {
  const { shop, date } = await extractOrders(`[${JSON.stringify(order('copied'))}]`)
  const extract = () =>
    shop.runTask('extract_orders', shop.activities.extractSource, { date, source: 'orders' })
  shop.deliver(`orders/${date}/a-copy.json`, `[${JSON.stringify(order('copied'))}]`)
  await extract()
  shop.deliver(`orders/${date}/orders.json`, `[${JSON.stringify(order('other', { quantity: 3 }))}]`)
  await extract()
  const files = await database.db.query(
    `select path, state from audit.source_files
     where load_date = $1 and state <> 'superseded' order by path`,
    [date],
  )
  expect(files.rows).toEqual([
    { path: `orders/${date}/a-copy.json`, state: 'loaded' },
    { path: `orders/${date}/orders.json`, state: 'loaded' },
  ])
})

test('a changed file takes the place of its older version, which stays in raw', async () => {
  const { shop, date } = await extractOrders(`[${JSON.stringify(order('v1'))}]`)
  shop.deliver(`orders/${date}/orders.json`, `[${JSON.stringify(order('v2', { quantity: 3 }))}]`)
  await shop.runTask('extract_orders', shop.activities.extractSource, { date, source: 'orders' })
  const files = await database.db.query(
    'select state from audit.source_files where load_date = $1 order by file_id',
    [date],
  )
  expect(files.rows).toEqual([{ state: 'superseded' }, { state: 'loaded' }])
  expect(await rawRecords('orders', date)).toHaveLength(2)
})
