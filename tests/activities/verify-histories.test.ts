import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifyBooks } from '../../activities/verify-books.ts'
import { publishedShops } from '../../schedules/published-shops.ts'
import { deliverDay, eventsHeader, orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { wholeDays } from '../support/whole-days.ts'

let database: TestDatabase
let shop: ReturnType<typeof wholeDays>
const realDays = join(import.meta.dirname, '../../../shared/data/online-retail/by-day')

beforeEach(async () => {
  database = await testDatabase()
  shop = wholeDays(database.db, { ONLINE_RETAIL_DIR: realDays })
})
afterEach(() => database.drop())

const [tuesday, wednesday, thursday] = ['2025-12-16', '2025-12-17', '2025-12-18'] as const

async function book(date: string, orders: unknown[], events: string[] = []) {
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(orders))
  shop.deliver(`events/${date}/events.csv`, [eventsHeader, ...events, ''].join('\n'))
  await shop.runDay(date)
}

/** What differs, with the first differing row. */
async function differences() {
  const input = { shops: publishedShops(), areAll: true, samples: 1 }
  const tables = await verifyBooks(database.db, shop.sources, input)
  return tables.filter(({ isEqual }) => !isEqual)
}

test('a business date that a restatement takes the last order from has nothing published', async () => {
  const late = orderOn('2025-12-10', 'late')
  await book(tuesday, [orderOn(tuesday, 't1')])
  await book(wednesday, [orderOn(wednesday, 'w1'), late])
  expect(await differences()).toEqual([])
  await book(wednesday, [orderOn(wednesday, 'w1')])
  expect(await differences()).toEqual([])
})

test('figures that begin later are not scored for the days before', async () => {
  await book(tuesday, [orderOn(tuesday, 't1')])
  await book(
    wednesday,
    [orderOn(wednesday, 'w1')],
    [`e1,u1,P1,view_product,${wednesday}T10:00:00Z,s1,/,x`],
  )
  expect(await differences()).toEqual([])
  await book(thursday, [orderOn(thursday, 'h1'), orderOn(tuesday, 't2')])
  expect(await differences()).toEqual([])
})

test.skipIf(!existsSync(realDays))(
  'two shops with different sources, one of them real: each equals its rebuild',
  async () => {
    await book(tuesday, [orderOn(tuesday, 't1')])
    for (const date of ['2010-12-05', '2010-12-03', '2010-12-05'])
      await shop.runOnlineRetailDay(date)
    expect(await differences()).toEqual([])
    const { rows } = await database.db.query(
      `select shop_id, count(*) > 0 as has_lines from warehouse.fact_orders group by 1 order by 1`,
    )
    expect(rows).toEqual([
      { shop_id: 'main', has_lines: true },
      { shop_id: 'online_retail', has_lines: true },
    ])
  },
  60_000,
)

test('a figure that counts a verdict on a catalogue which the day has lost is a difference', async () => {
  const checked = sampleShop(database.db)
  const products = [{ product_id: 'PRD-1', name: 'Lamp', price: -1 }]
  deliverDay(checked, tuesday, [orderOn(tuesday, 't1')], [], products)
  deliverDay(checked, wednesday, [orderOn(wednesday, 'w1')], [])
  for (const date of [wednesday, tuesday]) {
    await checked.stageDay(date)
    await checked.judgeDay(date)
    await checked.buildAndPublish(date)
  }
  expect(await differences()).toEqual([])
  const { rowCount } = await database.db.query(
    `insert into audit.dq_results (run_id, check_id, dag_id, logical_date, table_name, severity,
       is_passed, expected, actual)
     select run_id, 'products_quarantine_share', 'ecommerce_daily', load_date,
       'staging.products_clean', 'warn', false, '', ''
     from audit.published_loads where source = 'orders' and load_date = $1`,
    [wednesday],
  )
  expect(rowCount).toBe(1)
  await database.db.query(
    `update warehouse.daily_metrics set value = value + 1
     where metric = 'failed_checks' and metric_date = $1`,
    [wednesday],
  )
  expect(await differences()).toMatchObject([{ table: 'daily_metrics', differingRows: 1 }])
})
