import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onlineRetail } from '../support/online-retail-days.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

const realDays = join(import.meta.dirname, '../../../shared/data/online-retail/by-day')

describe.skipIf(!existsSync(realDays))('Online Retail, 141 real trading days', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
    const shop = onlineRetail(database.db, realDays)
    const days = readdirSync(realDays).map((name) => name.slice(0, 10))
    for (const day of days.sort()) await shop.runDay(day)
  }, 600_000)
  afterAll(() => database.drop())

  async function rows(sql: string): Promise<unknown[]> {
    return (await database.db.query(sql)).rows
  }

  test('every line of the data set is in the facts, and their sum comes out', async () => {
    expect(
      await rows(
        'select count(*) as lines, sum(gross_amount) as amount from warehouse.fact_orders',
      ),
    ).toEqual([{ lines: 209_029, amount: '3706827.641' }])
    expect(await rows('select rules, record from audit.bad_records')).toEqual([])
  })

  test('the sale lines come out exactly', async () => {
    expect(
      await rows(
        `select count(*) as lines, count(distinct order_id) as orders, sum(quantity) as units,
           sum(gross_amount) as amount, count(distinct user_id) as customers
         from warehouse.fact_orders where quantity > 0 and unit_price > 0 and status = 'paid'`,
      ),
    ).toEqual([
      {
        lines: 203_954,
        orders: 8_126,
        units: 2_112_658,
        amount: '4064726.591',
        customers: 2_718,
      },
    ])
    expect(
      await rows(
        `select count(distinct fields.code) as codes
         from warehouse.fact_orders fact
         join raw.online_retail raw using (file_id, record_no)
         cross join lateral (select case when raw.fields is null then split_part(raw.record, ',', 2)
           else raw.fields[2] end as code) fields
         where quantity > 0 and unit_price > 0 and status = 'paid'`,
      ),
    ).toEqual([{ codes: 3_384 }])
  })

  test('cancellations, corrections, postage and fees stand where an analyst looks for them', async () => {
    const figures = await rows(
      `select line_type, status, count(*) as lines, sum(gross_amount) as amount
       from warehouse.fact_orders group by 1, 2 order by 1, 2`,
    )
    expect(figures).toContainEqual({
      line_type: 'stock_correction',
      status: 'paid',
      lines: 1_275,
      amount: '0.0',
    })
    expect(
      await rows(
        `select count(*) as lines, count(distinct order_id) as invoices, sum(gross_amount) as amount
         from warehouse.fact_orders where status = 'cancelled'`,
      ),
    ).toEqual([{ lines: 3_783, invoices: 1_677, amount: '-357898.95' }])
    expect(
      await rows(`select line_type, count(*) as lines from warehouse.fact_orders
        where product_id in ('POST', 'BANK CHARGES', 'D', 'S', 'M', 'GIFT_0001_20')
        group by product_id, line_type order by product_id`),
    ).toEqual([
      { line_type: 'fee', lines: 17 },
      { line_type: 'discount', lines: 28 },
      { line_type: 'voucher', lines: 5 },
      { line_type: 'manual', lines: 239 },
      { line_type: 'postage', lines: 476 },
      { line_type: 'sample', lines: 43 },
    ])
  })

  test('exact copies are kept and marked; customers without an id are known to be unknown', async () => {
    expect(
      await rows(
        `select count(*) filter (where is_exact_copy) as copies,
           count(*) filter (where user_key = 0) as anonymous,
           count(*) filter (where user_id is null) as without_id
         from warehouse.fact_orders`,
      ),
    ).toEqual([{ copies: 1_747, anonymous: 59_976, without_id: 59_976 }])
  })

  test('letter-case twins are one product with one current price, its past prices kept', async () => {
    expect(
      await rows(
        `select count(*) as versions, count(*) filter (where is_current) as current
         from warehouse.dim_product where product_id ilike '85123a'`,
      ),
    ).toEqual([{ versions: expect.toSatisfy((count: number) => count > 5), current: 1 }])
    expect(
      await rows(
        `select product_id from warehouse.dim_product where shop_id = 'online_retail'
         group by vendor_id, product_id
         having count(*) filter (where is_current) <> 1
           or min(valid_from) <> '-infinity' or max(valid_to) <> 'infinity'
           or sum(extract(epoch from case when is_current then interval '0' else valid_to - greatest(valid_from, '2000-01-01') end))
             <> coalesce(extract(epoch from max(valid_from) filter (where is_current and valid_from > '-infinity') - '2000-01-01'), 0)`,
      ),
    ).toEqual([])
  })

  test('a customer who moved has a version for each country', async () => {
    const moved = await rows(
      `select user_id, count(distinct customer_country) as countries from warehouse.dim_user
       where shop_id = 'online_retail' group by user_id having count(distinct customer_country) > 1`,
    )
    expect(moved).toHaveLength(4)
  })
})
