import { afterEach, beforeEach, expect, test } from 'vitest'
import { addDays } from '../../dag/calendar.ts'
import { readModel } from '../../platform/model-file.ts'
import { deliverDay, orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const date = '2025-12-16'
const weeksBefore = (weeks: number) => addDays(date, -7 * weeks)

function deliver(shop: ReturnType<typeof sampleShop>, day: string, orders: number): void {
  const records = Array.from({ length: orders }, (_, index) => orderOn(day, `${day}-${index}`))
  deliverDay(shop, day, records, [])
}

async function usualVolume(): Promise<unknown> {
  const { select } = await readModel('checks/usual_volume')
  return (await database.db.query(select, [date, 'orders'])).rows
}

test('a day run again is compared with what was published before it, whatever came afterwards', async () => {
  const shop = sampleShop(database.db)
  for (const weeks of [4, 3, 2, 1]) {
    deliver(shop, weeksBefore(weeks), 4)
    await shop.stageAndPublish(weeksBefore(weeks))
  }
  deliver(shop, date, 6)
  await shop.stageAndPublish(date)
  const compared = [{ measured: '1.5000' }]
  expect(await usualVolume()).toEqual(compared)

  deliver(shop, weeksBefore(-1), 40)
  await shop.stageAndPublish(weeksBefore(-1))
  for (const weeks of [4, 3, 2, 1]) {
    deliver(shop, weeksBefore(weeks), 20)
    await shop.stageDay(weeksBefore(weeks))
  }
  await shop.stageDay(date)
  expect(await usualVolume()).toEqual(compared)

  for (const weeks of [4, 3, 2, 1]) await shop.stageAndPublish(weeksBefore(weeks))
  expect(await usualVolume()).toEqual([{ measured: '0.3000' }])
})

test('a day without a file of the source is none of the history', async () => {
  const shop = sampleShop(database.db)
  for (const weeks of [3, 2, 1]) {
    deliver(shop, weeksBefore(weeks), 4)
    await shop.stageAndPublish(weeksBefore(weeks))
  }
  await database.db.query(
    `insert into audit.published_loads (source, load_date, run_id, business_dates, records_loaded)
     values ('orders', $1, 'r', '{}', 0)`,
    [weeksBefore(4)],
  )
  expect(await usualVolume()).toEqual([{ measured: null }])
})
