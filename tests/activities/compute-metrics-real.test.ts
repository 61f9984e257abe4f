import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createQualityActivities } from '../../activities/check-quality.ts'
import { createMetricActivities } from '../../activities/compute-metrics.ts'
import { runActivity } from '../support/run-activity.ts'
import { sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

const realDays = join(import.meta.dirname, '../../../shared/data/online-retail/by-day')

describe.skipIf(!existsSync(realDays))('Online Retail, a real day', () => {
  const date = '2010-12-01'
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
    const shop = sampleShop(database.db, { ONLINE_RETAIL_DIR: realDays })
    await shop.stage('online_retail', date)
    const input = { date, shopId: 'online_retail', orders: 'online_retail' }
    const { loadDimDate, loadDimUser, loadDimProduct, loadFactOrders } = shop.activities
    for (const load of [loadDimDate, loadDimUser, loadDimProduct, loadFactOrders]) {
      await runTask(load.name, load, input)
    }
  })
  afterAll(() => database.drop())

  const runTask = <Input, Output>(
    taskId: string,
    activity: (input: Input) => Promise<Output>,
    input: Input,
  ) => runActivity(database.db, { runKey: `online_retail_daily/${date}`, taskId }, activity, input)

  test('every line of the day is in exactly one booked figure', async () => {
    const { computeDailyMetrics } = createMetricActivities({ database: database.db })
    await runTask('compute_daily_metrics', computeDailyMetrics, { date, shopId: 'online_retail' })
    const booked = await database.db.query(
      `select sum(value) as booked,
         (select sum(quantity * unit_price) from staging.online_retail_candidate_20101201) as delivered
       from next_online_retail_daily_20101201.daily_metrics
       where metric in ('net_revenue', 'postage', 'fees', 'other_amounts') and dimension = 'all'`,
    )
    expect(booked.rows[0].booked).toBe(booked.rows[0].delivered)
    expect(Number(booked.rows[0].booked)).toBeGreaterThan(10_000)
  })

  test('its quality passes, with what is unusual as a warning', async () => {
    const { checkQuality } = createQualityActivities({ database: database.db })
    const result = await runTask('dq_checks', checkQuality, {
      date,
      dagId: 'online_retail_daily',
      sources: { orders: 'staging.online_retail_clean' },
    })
    expect(result).toMatchObject({ failed: 0, rowsIn: 3108 })
  })
})
