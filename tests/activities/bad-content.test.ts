import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventsHeader, orderOn, sampleShop } from '../support/sample-day.ts'
import { candidate } from '../support/staged-rows.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

let nextDay = 1
/** A delivery of a day of its own, in a shop whose days begin in New York. */
function delivery() {
  const date = new Date(Date.UTC(2025, 0, nextDay++)).toISOString().slice(0, 10)
  const shop = sampleShop(database.db, { SHOP_TIME_ZONE: 'America/New_York' })
  const books = async (source: string) => {
    await shop.stage(source, date)
    const rejected = await database.db.query<{ place: string; rules: string[]; record: string }>(
      `select concat_ws(':', file.path, bad.record_no) as place, bad.rules, bad.record
       from audit.bad_records bad join audit.source_files file using (file_id)
       where bad.load_date = $1 order by file.path, bad.record_no`,
      [date],
    )
    const files = await database.db.query<Record<string, number>>(
      `select records_received as received, records_loaded as loaded,
         records_quarantined as quarantined, records_duplicate as duplicate
       from audit.source_files where load_date = $1 and state = 'loaded' order by path`,
      [date],
    )
    return { rejected: rejected.rows, files: files.rows }
  }
  return { date, shop, books }
}

const whole = { loaded: 1, duplicate: 0, quarantined: 0, received: 1 }

const orderText = (date: string, id: string, fields: Record<string, unknown> = {}) =>
  JSON.stringify(orderOn(date, id, fields))
/** An order with a text put in front of its other fields, which it may spoil. */
const orderWith = (date: string, text: string) => `${orderText(date, 'odd').slice(0, -1)},${text}}`
const latin1 = (text: string) => Buffer.from(text, 'latin1')

const nested = (brackets: number) => `"note":${'['.repeat(brackets)}${']'.repeat(brackets)}`
const ofLines = (lines: number) => `"items":[${'{},'.repeat(lines - 1)}{}]`

describe('one odd record costs itself alone, complete with its text', () => {
  test.each<[string, (date: string) => string, string[], string?]>([
    ['half a surrogate pair', (date) => orderWith(date, '"channel":"\\ud800"'), ['malformed']],
    ['an escaped NUL', (date) => orderWith(date, '"channel":"\\u0000"'), ['malformed']],
    ['a NUL byte', (date) => orderWith(date, '"channel":"\0"'), ['bad_encoding'], '"\u2400"'],
    [
      'bytes that are no UTF-8',
      (date) => orderWith(date, '"channel":"\xc3("'),
      ['bad_encoding'],
      '"\u00c3("',
    ],
    ['NaN', (date) => orderWith(date, '"price":NaN'), ['malformed']],
    ['Infinity', (date) => orderWith(date, '"price":-Infinity'), ['malformed']],
    ['a number beyond double', (date) => orderWith(date, '"price":1e400'), ['unit_price_type']],
    [
      'a number that is too small',
      (date) => orderWith(date, '"price":1e-400'),
      ['unit_price_type'],
    ],
    ['a number beyond numeric', (date) => orderWith(date, '"price":1e131072'), ['malformed']],
    ['400 digits', (date) => orderWith(date, `"price":${'9'.repeat(400)}`), ['unit_price_type']],
    [
      'a number beyond integer',
      (date) => orderWith(date, '"quantity":4294967297'),
      ['quantity_type'],
    ],
    [
      'numbers that are gigabytes written out',
      (date) => orderWith(date, `"channel":[${'1e131071,'.repeat(9_000)}1]`),
      ['malformed'],
    ],
    ['100,000 brackets', (date) => orderWith(date, nested(100_000)), ['malformed']],
    ['10,001 lines', (date) => orderWith(date, ofLines(10_001)), ['malformed']],
    [
      'a time before Christ',
      (date) => orderWith(date, '"timestamp":"4714-11-24 00:00:00+00 BC"'),
      ['order_ts_type'],
    ],
    [
      'a segment that no index takes',
      (date) => orderWith(date, `"currency":"${'x'.repeat(3_000)}"`),
      ['currency_length'],
    ],
    ['a hole of zero bytes', () => '\0'.repeat(4_096), ['bad_encoding'], '\u2400'.repeat(4_096)],
  ])('%s', async (_, odd, rules, shownAs) => {
    const { date, shop, books } = delivery()
    const text = [orderText(date, 'before'), odd(date), orderText(date, 'after')].join(',')
    shop.deliver(`orders/${date}/odd.json`, latin1(`[${text}]`))
    shop.deliver(`orders/${date}/other.json`, `[${orderText(date, 'other')}]`)
    const { rejected, files } = await books('orders')
    expect(rejected).toMatchObject([{ place: `orders/${date}/odd.json:2`, rules }])
    if (shownAs === undefined) expect(rejected[0]?.record).toBe(odd(date))
    else expect(rejected[0]?.record).toContain(shownAs)
    expect(files).toEqual([{ ...whole, received: 3, loaded: 2, quarantined: 1 }, whole])
  })
})

describe('what is odd but clear is loaded', () => {
  test.each<[string, (date: string) => string, object]>([
    [
      'of a key that is said twice the last counts',
      (date) => orderWith(date, '"quantity":7'),
      { quantity: 7 },
    ],
    ['150 brackets', (date) => orderWith(date, nested(150)), { has_extras: true }],
    [
      '100,000 columns',
      (date) =>
        orderWith(date, Array.from({ length: 100_000 }, (_, index) => `"c${index}":1`).join(',')),
      { has_extras: true },
    ],
    [
      'lines that end in CR alone',
      (date) => orderText(date, 'odd').replaceAll(',', ',\r'),
      { quantity: 2 },
    ],
    [
      'a price with an exponent in a text',
      (date) => orderWith(date, '"channel":"1e131071"'),
      { channel: '1e131071' },
    ],
  ])('%s', async (_, odd, expected) => {
    const { date, shop, books } = delivery()
    shop.deliver(`orders/${date}/odd.json`, latin1(`\xef\xbb\xbf[${odd(date)}]`))
    expect(await books('orders')).toEqual({ rejected: [], files: [whole] })
    // The candidate of a day that is not published yet.
    const staged = await database.db.query(
      `select quantity, channel, extras is not null as has_extras
       from ${candidate('orders', date)}`,
    )
    expect(staged.rows).toMatchObject([expected])
  })
})

describe('a table', () => {
  const event = (date: string, id: string, url = '/') =>
    `${id},u,p,page_view,${date}T10:00:00Z,s,${url},a`

  test.each<[string, (date: string) => string[], [number, string][], number]>([
    [
      'a NUL byte',
      (date) => [event(date, 'a'), event(date, 'b', '\0'), event(date, 'c')],
      [[3, 'bad_encoding']],
      3,
    ],
    [
      '100,000 fields',
      (date) => [event(date, 'a'), event(date, 'b') + ',1'.repeat(100_000), event(date, 'c')],
      [[3, 'too_many_columns']],
      3,
    ],
    [
      'two stray quotes, which keep nothing of what is between them',
      (date) => [
        event(date, 'a'),
        event(date, 'b', '"x'),
        event(date, 'c'),
        event(date, 'd'),
        event(date, 'e', '5" x'),
        event(date, 'f'),
      ],
      [
        [3, 'malformed'],
        [6, 'malformed'],
      ],
      6,
    ],
    [
      'a quote that never closes before a million empty lines',
      (date) => [
        event(date, 'a'),
        event(date, 'b', '"x'),
        '\n'.repeat(1_000_000),
        event(date, 'c'),
      ],
      [[3, 'malformed']],
      3,
    ],
    ['a header alone', () => [], [], 0],
  ])('with %s keeps its other lines', async (_, lines, rejections, received) => {
    const { date, shop, books } = delivery()
    shop.deliver(`events/${date}/events.csv`, [eventsHeader, ...lines(date), ''].join('\n'))
    shop.deliver(`events/${date}/other.csv`, `${eventsHeader}\n${event(date, 'other')}\n`)
    const { rejected, files } = await books('events')
    const places = rejections.map(([line, rule]) => ({
      ...{ place: `events/${date}/events.csv:${line}`, rules: [rule] },
    }))
    expect(rejected).toMatchObject(places)
    const quarantined = rejections.length
    expect(files).toEqual([
      { ...whole, received, loaded: received - quarantined, quarantined },
      whole,
    ])
  })
})

test('a line of NDJSON that is no object costs itself alone', async () => {
  const { date, shop, books } = delivery()
  const lines = [orderText(date, 'before'), 'null', '"text"', orderText(date, 'after'), '']
  shop.deliver(`orders/${date}/orders.ndjson`, lines.join('\n'))
  const { rejected, files } = await books('orders')
  expect(rejected).toMatchObject([
    { place: `orders/${date}/orders.ndjson:2`, record: 'null', rules: ['malformed'] },
    { place: `orders/${date}/orders.ndjson:3`, record: '"text"', rules: ['malformed'] },
  ])
  expect(files).toEqual([{ ...whole, received: 4, loaded: 2, quarantined: 2 }])
})

describe('a file is refused with its place and the remedy, and the day loads when it is delivered again', () => {
  const header = (more: string) => latin1(`${eventsHeader}${more}\n`)
  const manyColumns = Array.from({ length: 1_000_000 }, (_, index) => `,c${index}`).join('')
  test.each<[string, string, string | Uint8Array, RegExp]>([
    [
      'UTF-16 without its mark',
      'orders.json',
      Buffer.from('[{"a":1}]', 'utf16le'),
      /^orders\/\S+ is UTF-16 text; save it as UTF-8$/,
    ],
    [
      'UTF-16, the high byte first',
      'orders.json',
      Buffer.from('[{"a":1}]', 'utf16le').swap16(),
      /is UTF-16 text; save it as UTF-8$/,
    ],
    [
      'a second array',
      'orders.json',
      '[{"a":1}] [{"b":2}]',
      /goes on after the end of its array, at byte 9: "\[\{"b":2\}\]"\. Deliver one array/,
    ],
    [
      'NDJSON with a line that breaks off',
      'orders.json',
      '{"a":1}\n{"b":"2\n{"c":3}\n',
      /is cut off: it ends inside record 2, which begins at byte 8, \(byte 24\)/,
    ],
    [
      'a text that a terminal would obey',
      'orders.json',
      '\x1b[2J\x9b1m',
      /it starts with "\\x1b\[2J/,
    ],
    [
      'a table whose lines end in CR alone',
      'events.csv',
      `${eventsHeader}\ra,u,p,page_view,t,s,/,a\r`,
      /^events\/\S+ ends its lines with CR alone; save it with LF or CRLF$/,
    ],
    [
      'a header with a NUL',
      'events.csv',
      header(',a\0b'),
      /has a header that is not UTF-8 text: event_id.*a\\x00b$/,
    ],
    [
      'a header that is no UTF-8',
      'events.csv',
      header(',a\xffb'),
      /has a header that is not UTF-8 text/,
    ],
    [
      'a header with a column twice',
      'events.csv',
      header(',url'),
      /names the column url twice in its header/,
    ],
    [
      'a header of a million columns',
      'events.csv',
      header(manyColumns),
      /has 1000008 columns in its header; at most 1600 are read/,
    ],
  ])('%s', async (_, name, content, message) => {
    const { date, shop, books } = delivery()
    const source = name === 'events.csv' ? 'events' : 'orders'
    shop.deliver(`${source}/${date}/${name}`, content)
    await expect(books(source)).rejects.toMatchObject({ nonRetryable: true, message })
    const again =
      source === 'events'
        ? `${eventsHeader}\na,u,p,page_view,${date}T10:00:00Z,s,/,a\n`
        : `[${orderText(date, 'again')}]`
    shop.deliver(`${source}/${date}/${name}`, again)
    expect(await books(source)).toEqual({ rejected: [], files: [whole] })
  })
})
