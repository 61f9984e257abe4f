import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { publishAnomalies } from '../../activities/publish-anomalies.ts'
import { createAnomalyActivities } from '../../activities/score-anomalies.ts'
import { applyTable } from '../../platform/apply-table.ts'
import { beginTable, buildFor, publishedTables } from '../../platform/build.ts'
import { inTransaction } from '../../platform/database.ts'
import { ensurePartition } from '../../platform/partitions.ts'
import { runActivity } from '../support/run-activity.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(() =>
  database.db.query(
    'truncate warehouse.fact_orders, warehouse.daily_metrics, warehouse.metric_scores, warehouse.anomalies cascade',
  ),
)

interface Line {
  orderId: string
  quantity: number
  productId?: string
  vendorId?: string
  status?: string
  lineType?: string
  orderDate?: string
}

const shopId = 'main'
let orderCount = 0
function line(quantity: number, fields: Partial<Line> = {}): Line {
  orderCount += 1
  return { orderId: `O-${orderCount}`, quantity, ...fields }
}

/** The tasks of a run from its facts and metrics on: build, score, publish. */
async function runDay(date: string, lines: readonly Line[], metrics: Record<string, number> = {}) {
  const build = buildFor(`ecommerce_daily/${date}`, shopId)
  await inTransaction(database.db, async (transaction) => {
    const params = [shopId, lines.map((delivered) => delivered.orderId), date]
    await beginTable(transaction, build, 'fact_orders', {
      sql: `select $1 as shop_id, unnest($2::text[]) as order_id union select $1, order_id from warehouse.fact_orders where shop_id = $1 and delivery_date = $3`,
      params,
    })
    await transaction.query(
      `insert into ${build.schema}.fact_orders
       select $1, "orderId", 1, coalesce("orderDate", $2), 0, coalesce("orderDate", $2), 0, 0, 'U', coalesce("vendorId", 'V'),
         coalesce("productId", 'P'), quantity, 1, quantity, 'EUR', coalesce(status, 'paid'),
         coalesce("lineType", 'product'), null, null, null, false, $2, 1, 1
       from jsonb_to_recordset($3) as line ("orderId" text, "orderDate" date, "vendorId" text, "productId" text,
         quantity integer, status text, "lineType" text)`,
      [shopId, date, JSON.stringify(lines)],
    )
    await beginTable(transaction, build, 'daily_metrics', {
      sql: `select shop_id, order_date as metric_date from ${build.schema}.fact_orders union select $1, $2::date`,
      params: [shopId, date],
    })
    await transaction.query(
      `insert into ${build.schema}.daily_metrics select $1, metric_date, 'orders', 'all', 'all',
         (select count(*) from ${build.schema}.fact_orders_next fact where order_date = metric_date)
       from ${build.schema}.daily_metrics_scope where metric_date <> $2
       union all select $1, $2, key, 'all', 'all', value::numeric from jsonb_each_text($3)`,
      [shopId, date, JSON.stringify({ orders: lines.length, ...metrics })],
    )
  })
  const { scoreAnomalies } = createAnomalyActivities({ database: database.db })
  const task = { runKey: build.runKey, taskId: 'score_anomalies' }
  const output = await runActivity(database.db, task, scoreAnomalies, { date, shopId })
  const change = await inTransaction(database.db, async (transaction) => {
    for (const { table, scopeKey } of publishedTables) {
      if (!['fact_orders', 'daily_metrics', 'metric_scores'].includes(table)) continue
      if (table === 'fact_orders') {
        for (const day of new Set([date, ...lines.map((each) => each.orderDate ?? date)])) {
          await ensurePartition(transaction, 'warehouse.fact_orders', day)
        }
      }
      await applyTable(transaction, build.schema, table, scopeKey)
    }
    const change = await publishAnomalies(transaction, build)
    await transaction.query(`drop schema ${build.schema} cascade`)
    return change
  })
  return { output, change }
}

function day(dayNo: number): string {
  return new Date(Date.UTC(2025, 10, 1 + dayNo)).toISOString().slice(0, 10)
}

/** Ten days with one order each of 1, 2, 3, 2, 2, … pieces: median 2. */
const usual = [1, 2, 3, 2, 2, 1, 2, 3, 2, 2]
async function runUsualDays(fields: Partial<Line> = {}) {
  for (const [dayNo, quantity] of usual.entries()) {
    await runDay(day(dayNo), [line(quantity, fields)])
  }
}

async function anomalies() {
  const found = await database.db.query<Record<string, unknown>>(
    `select anomalies.*, score.order_date, score.history_orders, score.threshold_qty, anomalies.xmin::text
     from warehouse.anomalies join warehouse.order_scores score using (anomaly_id) order by order_id`,
  )
  return found.rows
}

describe('order lines by the classic rule', () => {
  test('a planted spike is found, with its own quantity and its own day left out', async () => {
    await runUsualDays()
    const spike = line(500, { orderId: 'SPIKE' })
    const { output, change } = await runDay(day(10), [
      spike,
      line(2),
      line(400, { orderId: 'TWIN' }),
    ])
    expect(output).toMatchObject({ orderAnomalies: 2 })
    expect(change).toEqual({ inserted: 2, deleted: 0 })
    const [found] = await anomalies()
    const sd = 0.666667 // of the ten quantities before, by hand: sqrt(4 / 9)
    expect(found).toMatchObject({
      order_id: 'SPIKE',
      stock_code: 'P',
      quantity: 500,
      median_qty: '2',
      std_deviation: String(sd),
      history_orders: 10,
      threshold_qty: '3.333334',
      status: 'NEW',
      investigator_notes: null,
      alert_timestamp: new Date(`${day(11)}T00:00:00Z`),
    })
    expect(Number(found?.['z_score'])).toBeCloseTo((500 - 2) / sd, 1)
  })

  test('the threshold itself is not above the threshold', async () => {
    for (let dayNo = 0; dayNo < 6; dayNo += 1) await runDay(day(dayNo), [line(4)])
    await runDay(day(6), [line(4)])
    expect(await anomalies()).toEqual([])
    await runDay(day(7), [line(5)])
    expect(await anomalies()).toMatchObject([
      { quantity: 5, std_deviation: '0.000000', z_score: null },
    ])
  })

  test('under five orders of history nothing is judged; with five it is', async () => {
    for (let dayNo = 0; dayNo < 4; dayNo += 1) await runDay(day(dayNo), [line(1)])
    await runDay(day(4), [line(999)])
    expect(await anomalies()).toEqual([])
    await runDay(day(5), [line(9999)])
    expect(await anomalies()).toMatchObject([{ quantity: 9999, history_orders: 5 }])
  })

  test('what is not a sale is neither history nor judged', async () => {
    await runUsualDays()
    const notSales: Partial<Line>[] = [
      { status: 'cancelled' },
      { status: 'refunded' },
      { lineType: 'postage' },
    ]
    await runDay(day(10), [...notSales.map((fields) => line(500, fields)), line(-500)])
    expect(await anomalies()).toEqual([])
    await runDay(day(11), [line(50, { status: 'pending' })])
    expect(await anomalies()).toMatchObject([{ quantity: 50, history_orders: 10 }])
  })

  test('one product id sold by two vendors has two histories', async () => {
    await runUsualDays({ vendorId: 'V1' })
    await runDay(day(10), [line(500, { vendorId: 'V2' }), line(501, { vendorId: 'V1' })])
    expect(await anomalies()).toMatchObject([{ quantity: 501 }])
  })

  test('history older than 90 days does not count', async () => {
    await runUsualDays()
    await runDay(day(9 + 91), [line(500)])
    expect(await anomalies()).toEqual([])
  })
})

describe('publishing', () => {
  const tenth = [line(500, { orderId: 'SPIKE' }), line(300, { orderId: 'OTHER' })]

  test('a rerun leaves the same rows, untouched', async () => {
    await runUsualDays()
    await runDay(day(10), tenth)
    const before = await anomalies()
    const { change } = await runDay(day(10), tenth)
    expect(change).toEqual({ inserted: 0, deleted: 0 })
    expect(await anomalies()).toEqual(before)
  })

  test('a verdict outlives reruns and restatements; a NEW finding that is gone goes', async () => {
    await runUsualDays()
    await runDay(day(10), tenth)
    await database.db.query(
      `update warehouse.anomalies set status = 'REVIEWED', investigator_notes = 'wholesale' where order_id = 'SPIKE'`,
    )
    await runDay(day(10), [line(600, { orderId: 'SPIKE' }), line(2, { orderId: 'OTHER' })])
    const triaged = { order_id: 'SPIKE', status: 'REVIEWED', investigator_notes: 'wholesale' }
    expect(await anomalies()).toMatchObject([{ ...triaged, quantity: 600 }])
    await runDay(day(10), [line(2, { orderId: 'SPIKE' })])
    expect(await anomalies()).toMatchObject([{ ...triaged, quantity: 600 }])
  })

  test('a late record is judged on its own business date, and days after it are judged again', async () => {
    for (let dayNo = 0; dayNo < 4; dayNo += 1) await runDay(day(dayNo), [line(1)])
    await runDay(day(4), [line(700, { orderId: 'EARLY' })])
    expect(await anomalies()).toEqual([])
    await runDay(day(6), [line(1, { orderDate: day(2) }), line(1)])
    expect(await anomalies()).toMatchObject([
      {
        order_id: 'EARLY',
        order_date: day(4),
        history_orders: 5,
        alert_timestamp: new Date(`${day(5)}T00:00:00Z`),
      },
    ])
  })

  test('the findings are the same in whatever order days are run', async () => {
    const days = [...usual, 500, 2, 40].map((quantity, dayNo) => ({
      date: day(dayNo),
      lines: [line(quantity)],
    }))
    const shown = async () =>
      (await anomalies()).map(({ created_at: _at, xmin: _xmin, ...row }) => row)
    for (const { date, lines } of days) await runDay(date, lines)
    const inOrder = await shown()
    expect(inOrder).toHaveLength(1)
    await database.db.query(
      'truncate warehouse.fact_orders, warehouse.daily_metrics, warehouse.metric_scores, warehouse.anomalies cascade',
    )
    for (const { date, lines } of days.toReversed()) await runDay(date, lines)
    expect(await shown()).toEqual(inOrder)
  })
})

describe('daily metrics', () => {
  async function scoresOf(metric: string, date: string) {
    const scores = await database.db.query(
      'select * from warehouse.metric_scores where metric = $1 and metric_date = $2',
      [metric, date],
    )
    return scores.rows as Record<string, unknown>[]
  }

  test('a day far from its past is flagged, a day without a figure is no_data, a young one learns', async () => {
    for (let dayNo = 0; dayNo < 14; dayNo += 1) {
      await runDay(day(dayNo), [], { gross_revenue: 1000 + dayNo, orders: 100 })
    }
    expect(await scoresOf('gross_revenue', day(13))).toMatchObject([
      { state: 'learning', z_score: null, history_days: 13, value: '1013' },
    ])
    const { output } = await runDay(day(14), [], { orders: 40 })
    expect(output).toMatchObject({ metricAnomalies: 1 })
    expect(await scoresOf('orders', day(14))).toMatchObject([
      {
        state: 'scored',
        is_anomaly: true,
        expected: '100.000000',
        history_days: 14,
        method: 'robust_z_v1',
      },
    ])
    expect(await scoresOf('gross_revenue', day(14))).toMatchObject([
      { state: 'no_data', value: null, z_score: null, is_anomaly: false },
    ])
    const before = await scoresOf('orders', day(14))
    await runDay(day(14), [], { orders: 40 })
    expect(await scoresOf('orders', day(14))).toEqual(before)
  })
})
