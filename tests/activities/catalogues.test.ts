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
const friday = '2025-12-19'

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

const [good, bad] = [
  { product_id: 'PRD-1', name: 'Lamp', price: 10 },
  { product_id: 'PRD-2', name: 'Desk', price: -1 },
]
const cleanCatalogue = Array.from({ length: 30 }, (_, index) => ({
  ...{ product_id: `PRD-${index}`, name: 'Lamp', price: 10 },
}))

/** A shop of two days in a database of its own, with the catalogues that these dates name. */
async function checkedShop(catalogues: Readonly<Record<string, readonly unknown[]>>) {
  const own = await testDatabase()
  const shop = sampleShop(own.db)
  for (const date of [tuesday, friday]) deliverDay(shop, date, [orderOn(date, date)], [])
  for (const [date, products] of Object.entries(catalogues)) {
    shop.deliver(`products/products_${date}.json`, JSON.stringify(products))
  }
  return {
    ...shop,
    database: own.db,
    drop: own.drop,
    async judgedDay(date: string) {
      await shop.stageDay(date)
      await shop.judgeDay(date)
      await shop.buildDay(date)
    },
    /** What readers see, the figure that counts verdicts, and the verdicts on a catalogue that stand. */
    async books() {
      const select = async (sql: string) => (await own.db.query(sql)).rows
      return {
        tables: await digestTables(own.db),
        failed: await select(
          `select metric_date, value from warehouse.daily_metrics
           where metric = 'failed_checks' order by 1`,
        ),
        verdicts: await select(
          `select result.logical_date, result.check_id, result.is_passed, result.actual
           from audit.dq_results as result
           inner join audit.published_loads as load
             on load.source = 'products' and load.run_id = result.run_id
           where table_name = 'staging.products_clean' order by 1, 2`,
        ),
        samples: await select(
          `select check_id, record_key, detail from audit.dq_failures
           where check_id like 'products%' and record_key !~ ':' order by 1, 2`,
        ),
        profiles: await select(
          `select distinct load_date from audit.delivery_profiles
           where source = 'products' order by load_date`,
        ),
      }
    },
  }
}

test.each([
  ['all', { [tuesday]: [good, bad] }],
  ['the bad one', { [tuesday]: [good, bad], [wednesday]: cleanCatalogue }],
  ['the good one', { [tuesday]: cleanCatalogue, [wednesday]: [good, bad] }],
  ['the bad one of two', { [tuesday]: [good, bad], [wednesday]: [bad] }],
])(
  'what the checks said of catalogues goes with those that an earlier day takes: %s',
  async (_, catalogues) => {
    const inOrder = await checkedShop(catalogues)
    const handedOver = await checkedShop(catalogues)
    try {
      for (const date of [tuesday, friday]) {
        await inOrder.judgedDay(date)
        await inOrder.publishDay(date)
      }
      const expected = await inOrder.books()
      for (const date of [friday, tuesday]) {
        await handedOver.judgedDay(date)
        await handedOver.publishDay(date)
      }
      expect(await handedOver.books()).toEqual(expected)
    } finally {
      await inOrder.drop()
      await handedOver.drop()
    }
  },
  60_000,
)

test('what the checks said of a catalogue does not stand when the day loses it before it is published', async () => {
  const catalogues = { [tuesday]: [good, bad], [wednesday]: cleanCatalogue }
  const books = []
  for (const ending of [
    [tuesday, friday],
    [friday, tuesday],
  ]) {
    const shop = await checkedShop(catalogues)
    try {
      await shop.judgedDay(friday)
      await shop.judgedDay(tuesday)
      for (const date of ending) await shop.publishDay(date)
      books.push(await shop.books())
    } finally {
      await shop.drop()
    }
  }
  expect(books[1]).toEqual(books[0])
  expect(books[0]?.verdicts).toContainEqual(
    expect.objectContaining({
      check_id: 'products_quarantine_share',
      logical_date: friday,
      is_passed: true,
    }),
  )
}, 60_000)

test('a day of which an earlier one leaves a catalogue that fails a critical check is not published', async () => {
  const shop = await checkedShop({ [tuesday]: cleanCatalogue, [wednesday]: [good, bad] })
  try {
    await shop.judgedDay(friday)
    await shop.judgedDay(tuesday)
    await shop.publishDay(tuesday)
    const before = await shop.books()
    await expect(shop.publishDay(friday)).rejects.toThrow(
      /products_quarantine_limit of staging.products_clean: expected at most 5% .*, found 50%/,
    )
    expect(await shop.books()).toEqual(before)
  } finally {
    await shop.drop()
  }
}, 60_000)

/** The weeks before Friday had catalogues of 30 products; now so many are left when Tuesday has taken its own. */
async function shopWithPastCatalogues(catalogues: Readonly<Record<string, readonly unknown[]>>) {
  const shop = await checkedShop(catalogues)
  await shop.database.query(
    `insert into audit.published_loads (source, load_date, run_id, business_dates,
       records_received, records_loaded, records_quarantined, records_duplicate)
     select 'products', $1::date - week * 7, 'past', '{}', 30, 30, 0, 0
     from generate_series(1, 4) as week`,
    [friday],
  )
  await shop.judgedDay(friday)
  await shop.judgedDay(tuesday)
  await shop.publishDay(tuesday)
  return shop
}

const implausible = expect.objectContaining({
  ...{ logical_date: friday, check_id: 'products_plausible_volume', is_passed: false },
})

test('a day of which an earlier one leaves what only a person can judge is not published unasked', async () => {
  const shop = await shopWithPastCatalogues({ [tuesday]: cleanCatalogue, [wednesday]: [good] })
  try {
    const before = await shop.books()
    await expect(shop.publishDay(friday)).rejects.toThrow(
      /products_plausible_volume of staging.products_clean: .*Run the day again: .* the run asks/,
    )
    expect(await shop.books()).toEqual(before)
    // The run after it judges what is left, where a person is asked.
    await shop.stageDay(friday)
    const { checkQuality } = createQualityActivities({ database: shop.database })
    const judged = await shop.runTask('dq_checks', checkQuality, {
      ...{ date: friday, dagId: 'ecommerce_daily', approval: 'approve_held_day' },
      sources: { products: 'staging.products_clean' },
    })
    expect(judged).toMatchObject({ held: 1, failed: 0 })
  } finally {
    await shop.drop()
  }
}, 60_000)

test('a day that was let pass is published with what an earlier one leaves of it', async () => {
  const shop = await shopWithPastCatalogues({ [tuesday]: [good], [wednesday]: [good] })
  try {
    await shop.publishDay(friday)
    expect((await shop.books()).verdicts).toContainEqual(implausible)
  } finally {
    await shop.drop()
  }
}, 60_000)
