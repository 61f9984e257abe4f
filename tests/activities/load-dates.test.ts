import { afterEach, beforeEach, expect, test } from 'vitest'
import { deliverDay, order, orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const tuesday = '2025-12-16'
async function rows(sql: string): Promise<unknown[]> {
  return (await database.db.query(sql)).rows
}

test("times without a zone are the shop's, and so are its days, whatever zone the server is in", async () => {
  const shop = sampleShop(database.db, { SHOP_TIME_ZONE: 'Europe/Paris' })
  const shortDay = '2026-03-29'
  await database.db.query(`alter role current_user set timezone = 'America/New_York'`)
  deliverDay(
    shop,
    shortDay,
    [
      order('first', { timestamp: `${shortDay} 00:30:00` }),
      order('last', { timestamp: `${shortDay}T23:59:59` }),
      order('in utc', { timestamp: '2026-03-29T21:59:00Z' }),
      order('day before', { timestamp: '2026-03-28T22:59:00Z' }),
      order('next day', { timestamp: '2026-03-29T22:00:00Z' }),
    ],
    [],
  )
  await shop.runDay(shortDay)
  await database.db.query(`alter role current_user reset timezone`)
  expect(
    await rows(
      `select order_id, order_date, order_ts at time zone 'UTC' as utc from warehouse.fact_orders order by order_ts`,
    ),
  ).toMatchObject([
    { order_id: 'day before', order_date: '2026-03-28' },
    { order_id: 'first', order_date: shortDay, utc: new Date('2026-03-28T23:30:00Z') },
    { order_id: 'in utc', order_date: shortDay },
    { order_id: 'last', order_date: shortDay, utc: new Date('2026-03-29T21:59:59Z') },
  ])
  expect(await rows('select record_id, rules from audit.bad_records')).toEqual([
    { record_id: 'next day', rules: ['order_ts_not_future'] },
  ])
})

test('the calendar has whole years, names without blanks, ISO weeks', async () => {
  const shop = sampleShop(database.db)
  deliverDay(shop, tuesday, [orderOn(tuesday, 'o1')], [])
  await shop.runDay(tuesday)
  expect(
    await rows(
      `select count(*) as days, bool_and(day_name = trim(day_name) and month_name = trim(month_name)) as trimmed
       from warehouse.dim_date`,
    ),
  ).toEqual([{ days: 365, trimmed: true }])
  expect(
    await rows(
      `select date_key, iso_year, iso_week, iso_day_of_week, day_name, is_weekend from warehouse.dim_date
       where calendar_date = '2025-12-29'`,
    ),
  ).toEqual([
    {
      date_key: 20251229,
      iso_year: 2026,
      iso_week: 1,
      iso_day_of_week: 1,
      day_name: 'Monday',
      is_weekend: false,
    },
  ])
})
