import { afterEach, beforeEach, expect, test } from 'vitest'
import { createQualityActivities } from '../../activities/check-quality.ts'
import { digestTables } from '../../platform/table-digests.ts'
import { deliverDay, orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const tuesday = '2025-12-16'
const wednesday = '2025-12-17'

async function rows(sql: string): Promise<unknown[]> {
  return (await database.db.query(sql)).rows
}

test('a catalogue belongs to the first of its days: that day takes it from a later one', async () => {
  const shop = sampleShop(database.db)
  for (const date of [tuesday, wednesday]) deliverDay(shop, date, [orderOn(date, date)], [])
  shop.deliver(
    `products/products_${tuesday}.json`,
    JSON.stringify([{ product_id: 'PRD-1', name: 'Lamp', price: 10 }]),
  )
  await shop.runDay(wednesday)
  const loaded = `select load_date from staging.products_clean`
  expect(await rows(loaded)).toEqual([{ load_date: wednesday }])
  await shop.runDay(tuesday)
  expect(await rows(loaded)).toEqual([{ load_date: tuesday }])
  expect(
    await rows(
      `select metric_date from warehouse.daily_metrics
       where metric = 'records_received' and segment = 'products'`,
    ),
  ).toEqual([{ metric_date: tuesday }])
  expect(await rows('select name from warehouse.dim_product where product_key <> 0')).toEqual([
    { name: 'Lamp' },
  ])
})

test('a catalogue that two days at once have staged is of the first of them, whichever ends first', async () => {
  const digests = []
  for (const ending of [
    [tuesday, wednesday],
    [wednesday, tuesday],
  ]) {
    const own = await testDatabase()
    const shop = sampleShop(own.db)
    for (const date of [tuesday, wednesday]) deliverDay(shop, date, [orderOn(date, date)], [])
    shop.deliver(
      `products/products_${tuesday}.json`,
      JSON.stringify([{ product_id: 'PRD-1', name: 'Lamp', price: 10 }]),
    )
    // The later day is staged first: nothing tells it that an earlier one is going to bring the file.
    await shop.loadDay(wednesday)
    await shop.loadDay(tuesday)
    for (const date of ending) await shop.publishDay(date)
    const staged = await own.db.query('select load_date from staging.products_clean')
    expect(staged.rows).toEqual([{ load_date: tuesday }])
    const loads = await own.db.query(
      `select source, load_date, business_dates::text, records_received, records_loaded
       from audit.published_loads order by source, load_date`,
    )
    digests.push({ books: await digestTables(own.db), loads: loads.rows })
    await own.drop()
  }
  expect(digests[1]).toEqual(digests[0])
})

test('a day whose catalogue is taken over while it runs has none, and passes its checks', async () => {
  const shop = sampleShop(database.db)
  for (const date of [tuesday, wednesday]) deliverDay(shop, date, [orderOn(date, date)], [])
  shop.deliver(
    `products/products_${tuesday}.json`,
    JSON.stringify([{ product_id: 'PRD-1', name: 'Lamp', price: 10 }]),
  )
  await shop.stage('products', wednesday)
  await shop.runDay(tuesday)
  const source = { source: 'products', date: wednesday }
  const { transformToStaging } = shop.activities
  const staged = await shop.runTask('transform_products_to_staging', transformToStaging, source)
  expect(staged).toMatchObject({ rowsIn: 0, rowsOut: 0 })
  const { checkQuality } = createQualityActivities({ database: database.db })
  await shop.runTask('dq_checks', checkQuality, {
    ...{ date: wednesday, dagId: 'ecommerce_daily' },
    sources: { products: 'staging.products_clean' },
  })
  expect(await rows('select from audit.dq_results')).toEqual([])
  await shop.runDay(wednesday)
  expect(await rows('select distinct load_date from staging.products_clean')).toEqual([
    { load_date: tuesday },
  ])
})

test('a catalogue that returns to what an earlier one said is believed', async () => {
  const shop = sampleShop(database.db)
  const mondays = ['2025-12-01', '2025-12-08', '2025-12-15'] as const
  const prices = [10, 7, 10]
  for (const [index, monday] of mondays.entries()) {
    deliverDay(shop, monday, [orderOn(monday, `o${index}`)], [])
    const product = { product_id: 'PRD-1', name: 'Lamp', price: prices[index] }
    shop.deliver(`products/products_${monday}.json`, JSON.stringify([product]))
  }
  for (const monday of mondays) await shop.runDay(monday)
  expect(
    await rows(
      `select price, is_current from warehouse.dim_product where product_key <> 0 order by valid_from`,
    ),
  ).toEqual([
    { price: '10', is_current: false },
    { price: '7', is_current: false },
    { price: '10', is_current: true },
  ])
})
