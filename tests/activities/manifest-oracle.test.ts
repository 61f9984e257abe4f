import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import type { Manifest } from '../../data/generator/manifest.ts'
import { sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
let manifest: Manifest
beforeAll(async () => {
  database = await testDatabase()
  const shop = sampleShop(database.db)
  manifest = await generateShop({
    from: '2025-12-13',
    days: 5,
    orders: 400,
    events: 3000,
    dirt: 0.03,
    anomalies: true,
    out: shop.landingDir,
  })
  const days = manifest.days.filter((day) => day.complete)
  for (const day of days) await shop.runDay(day.date)
}, 120_000)
afterAll(() => database.drop())

async function rows<Row>(sql: string): Promise<Row[]> {
  return (await database.db.query(sql)).rows as Row[]
}

test('every planted defect is in quarantine with its rules, and nothing else is', async () => {
  const found = await rows<{ source: string; file: string; line: number; rules: string[] }>(
    `select bad.source, path as file, record_no as line, rules
     from audit.bad_records bad join audit.source_files using (file_id)`,
  )
  const byPlace = (records: { file: string; line: number; rules: readonly string[] }[]) =>
    records.map(({ file, line, rules }) => `${file}:${line} ${[...rules].sort().join(' ')}`).sort()
  expect(byPlace(found)).toEqual(byPlace(manifest.defects))
  expect(found.length).toBeGreaterThan(300)
})

test('every planted duplicate is recognised, and nothing else is', async () => {
  const found = await rows<Manifest['duplicates'][number]>(
    `select path as file, record_no as "ofLine", kept_record_no as line
     from audit.duplicate_records join audit.source_files using (file_id)`,
  )
  const places = (records: Manifest['duplicates']) =>
    records.map(({ file, line, ofLine }) => `${file}:${ofLine} for ${line}`).sort()
  expect(places(found)).toEqual(places(manifest.duplicates))
})

test('for every file received = loaded + quarantined + duplicates, as the manifest says', async () => {
  const found = await rows(
    `select path as file, records_received as rows, records_loaded as loaded,
       records_quarantined as quarantined, records_duplicate as duplicates
     from audit.source_files order by path`,
  )
  const expected = manifest.days
    .flatMap((day) => day.files)
    .map(({ file, rows: received, loaded, quarantined, duplicates }) => ({
      file,
      rows: received,
      loaded,
      quarantined,
      duplicates,
    }))
    .sort((one, other) => (one.file < other.file ? -1 : 1))
  expect(found).toEqual(expected)
})

test("the facts equal the generator's own figures to the cent", async () => {
  const orders = await rows<{
    date: string
    status: string
    orders: number
    lines: number
    units: number
    gross: string
  }>(
    `select order_date as date, status, count(distinct order_id) as orders, count(*) as lines,
       sum(quantity) as units, sum(gross_amount) as gross
     from warehouse.fact_orders group by 1, 2 order by 1, 2`,
  )
  const expected = manifest.final.flatMap((totals) =>
    Object.entries(totals.orders)
      .filter(([, figures]) => figures.orders > 0)
      .map(([status, figures]) => ({ date: totals.businessDate, status, ...figures })),
  )
  const figures = (list: typeof orders) =>
    list
      .map(
        (row) =>
          `${row.date} ${row.status} ${row.orders} ${row.lines} ${row.units} ${Number(row.gross).toFixed(3)}`,
      )
      .sort()
  expect(figures(orders)).toEqual(figures(expected))
  const events = await rows<{ date: string; type: string; events: number }>(
    `select event_date as date, event_type as type, count(*) as events from warehouse.fact_events group by 1, 2`,
  )
  const expectedEvents = manifest.final.flatMap((totals) =>
    Object.entries(totals.events)
      .filter(([, count]) => count > 0)
      .map(([type, count]) => `${totals.businessDate} ${type} ${count}`),
  )
  expect(events.map((row) => `${row.date} ${row.type} ${row.events}`).sort()).toEqual(
    expectedEvents.sort(),
  )
})

test('joining facts to every dimension neither multiplies nor drops a row', async () => {
  const [counts] = await rows<Record<string, number>>(
    `select (select count(*) from warehouse.fact_orders) as orders,
       (select count(*) from warehouse.fact_orders join warehouse.dim_user using (user_key)
          join warehouse.dim_product using (product_key) join warehouse.dim_date using (date_key)) as joined_orders,
       (select count(*) from warehouse.fact_events) as events,
       (select count(*) from warehouse.fact_events join warehouse.dim_user using (user_key)
          join warehouse.dim_product using (product_key) join warehouse.dim_date using (date_key)) as joined_events`,
  )
  expect(counts?.joined_orders).toBe(counts?.orders)
  expect(counts?.joined_events).toBe(counts?.events)
})

test('orders carry the price that the catalogue had when they were made', async () => {
  const [wrong] = await rows<{ lines: number; wrong: number }>(
    `select count(*) as lines, count(*) filter (where product.price <> fact.unit_price) as wrong
     from warehouse.fact_orders fact join warehouse.dim_product product using (product_key)
     where exists (select from staging.products_clean listing
       where listing.vendor_id = fact.vendor_id and listing.product_id = fact.product_id
         and listing.effective_ts <= fact.order_ts)`,
  )
  expect(wrong?.lines).toBeGreaterThan(1000)
  expect(wrong?.wrong).toBe(0)
})
