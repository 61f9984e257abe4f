import { afterAll, beforeAll, expect, test } from 'vitest'
import { CsvLines, JsonElements } from '../../bench/floor/cut-records.ts'
import { prepareFloor, runFloor } from '../../bench/floor/floor.ts'
import { requireSameBooks } from '../../bench/floor/same-books.ts'
import { generateDays } from '../../data/generator/generate.ts'
import { sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

const day = '2025-12-15'
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})

afterAll(() => database.drop())

test('floor and Daybook make the same books of the same files, and what differs is noticed', async () => {
  const { db } = database
  const shop = sampleShop(db)
  const generated = { from: day, days: 1, orders: 500, events: 2_000, flat: true }
  for await (const { date } of generateDays({ ...generated, out: shop.landingDir })) {
    await shop.runDay(date)
  }
  await prepareFloor(db, day)
  await runFloor(db, shop.landingDir, day)
  await requireSameBooks(db)

  const counted = await db.query(
    `select source, received = records_received and quarantined = records_quarantined
       and duplicates = records_duplicate as is_same
     from floor.loads join audit.source_files using (source) order by source`,
  )
  expect(counted.rows).toEqual(
    ['events', 'orders', 'products'].map((source) => ({ source, is_same: true })),
  )
  const broken = await db.query(
    `select source, rule, floor.records as by_hand, daybook.records as by_daybook
     from (select * from floor.broken_rules where records > 0) as floor
     full join (
       select source, rule, count(*) as records from audit.bad_records
       cross join lateral unnest(rules) as rule group by source, rule
     ) as daybook using (source, rule)
     where floor.records is distinct from daybook.records`,
  )
  expect(broken.rows).toEqual([])

  await db.query(`update floor.daily_metrics set value = value + 1 where metric = 'units'`)
  await expect(requireSameBooks(db)).rejects.toThrow('daily_metrics differ')
  await db.query(`update floor.fact_events set url = url || '?' where event_id =
    (select min(event_id) from floor.fact_events)`)
  await expect(requireSameBooks(db)).rejects.toThrow('fact_events differs')
  await db.query(`update floor.dim_product set category = 'other' where product_key =
    (select min(product_key) from floor.fact_orders)`)
  await expect(requireSameBooks(db)).rejects.toThrow('fact_orders differs')
})

test('a check that does not hold stops the floor', async () => {
  const { db } = database
  const shop = sampleShop(db)
  const generated = { from: day, days: 1, orders: 50, events: 2_000, flat: true }
  for await (const { date } of generateDays({ ...generated, out: shop.landingDir })) void date
  await prepareFloor(db, day)
  await expect(runFloor(db, shop.landingDir, day)).rejects.toThrow('check_orders: volume')
})

/** What a cutter makes of a text that comes in chunks of so many bytes. */
function cut(cutter: JsonElements | CsvLines, text: string, chunkBytes: number): string {
  const bytes = Buffer.from(text)
  const parts: Buffer[] = []
  for (let from = 0; from < bytes.length; from += chunkBytes) {
    parts.push(Buffer.from(cutter.push(Buffer.from(bytes.subarray(from, from + chunkBytes)))))
  }
  return Buffer.concat([...parts, cutter.end()]).toString()
}

test.each([1, 2, 7, 1000])(
  'elements are cut to a line each, in chunks of %i bytes',
  (chunkBytes) => {
    const cutter = new JsonElements()
    const text = '[\n{"a":"},\\"]\\\\",\n "b":[1,{"c":2}]},"x" ,\r\n404\n]\n'
    const lines = cut(cutter, text, chunkBytes).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(text))
    expect(cutter.cut.records).toBe(3)
  },
)

test('an empty array has no elements', () => {
  const cutter = new JsonElements()
  expect(cut(cutter, '[ \n]', 1).trim()).toBe('')
  expect(cutter.cut.records).toBe(0)
})

test.each([1, 2, 7, 1000])(
  'lines of another width are left out, in chunks of %i bytes',
  (chunkBytes) => {
    const cutter = new CsvLines()
    const lines = cut(cutter, 'a,b,c\n1,2,3\n1,2\n1,"2,\n""2",3\n1,2,3,4\n4,5,6', chunkBytes)
    expect(lines).toBe('a,b,c\n1,2,3\n1,"2,\n""2",3\n4,5,6\n')
    expect(cutter.cut).toEqual({
      records: 5,
      rejected: { too_few_columns: 1, too_many_columns: 1 },
    })
  },
)
