import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { runDay } from '../support/run-day.ts'

const realDays = join(import.meta.dirname, '../../../shared/data/online-retail/by-day')

describe.skipIf(!existsSync(realDays))('online_retail_daily on real days', () => {
  let daybook: DaybookWorker
  beforeAll(async () => {
    daybook = await startDaybookWorker({ ONLINE_RETAIL_DIR: realDays })
  }, 120_000)
  afterAll(() => daybook.stop())

  test('books a day with its checks and figures, beside the other shop', async () => {
    for (const date of ['2010-12-01', '2010-12-02']) {
      expect(await runDay(daybook, 'online_retail_daily', date)).toMatchObject({
        state: 'success',
        tasks: { dq_checks: 'success', publish: 'success', notify: 'success' },
      })
    }
    const { rows } = await daybook.database.db.query(
      `select fact.order_date as date, sum(fact.gross_amount) as booked, count(*) as lines,
         (select records_received from audit.source_files file
          where file.load_date = fact.order_date) as received
       from warehouse.fact_orders fact where shop_id = 'online_retail' group by 1 order by 1`,
    )
    expect(rows).toEqual([
      { date: '2010-12-01', booked: '58635.56', lines: 3108, received: 3108 },
      { date: '2010-12-02', booked: '46207.28', lines: 2109, received: 2109 },
    ])
  })

  test('a day on which the shop was closed says that no file came', async () => {
    await expect(runDay(daybook, 'online_retail_daily', '2010-12-04')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('No online_retail file for 2010-12-04') },
    })
  })
})
