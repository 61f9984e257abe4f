import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

const realDays = join(import.meta.dirname, '../../../shared/data/online-retail/by-day')

describe.skipIf(!existsSync(realDays))('Online Retail, 141 real days', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
    const shop = sampleShop(database.db, { ONLINE_RETAIL_DIR: realDays })
    for (const name of readdirSync(realDays).sort())
      await shop.stage('online_retail', name.slice(0, 10))
  }, 180_000)
  afterAll(() => database.drop())

  test('every line has a place: the sums of the data set come out', async () => {
    const all = await database.db.query(
      `select count(*) as lines, sum(quantity * unit_price) as amount from staging.online_retail_clean`,
    )
    expect(all.rows).toEqual([{ lines: 209_029, amount: '3706827.641' }])
    const bad = await database.db.query('select rules, record from audit.bad_records')
    expect(bad.rows).toEqual([])
    const types = await database.db.query(
      `select line_type, status, count(*) as lines, sum(quantity * unit_price) as amount
       from staging.online_retail_clean group by 1, 2 order by 1, 2`,
    )
    console.log(types.rows)
    const sales = await database.db.query(
      `select count(*) as lines, count(distinct order_id) as orders, sum(quantity) as units,
         sum(quantity * unit_price) as amount, count(distinct user_id) as customers
       from staging.online_retail_clean where quantity > 0 and unit_price > 0 and status = 'paid'`,
    )
    expect(sales.rows).toEqual([
      { lines: 203_954, orders: 8_126, units: 2_112_658, amount: '4064726.591', customers: 2_718 },
    ])
    const copies = await database.db.query(
      'select count(*) as copies from staging.online_retail_clean where is_exact_copy',
    )
    expect(copies.rows).toEqual([{ copies: 1_747 }])
  })
})
