import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createQualityActivities, type CheckQualityResult } from '../../activities/check-quality.ts'
import { checksOf } from '../../domain/checks.ts'
import { allContracts } from '../../domain/contracts/all-contracts.ts'
import { inTransaction } from '../../platform/database.ts'
import { ensurePartition } from '../../platform/partitions.ts'
import { runActivity } from '../support/run-activity.ts'
import {
  criticalCases,
  date,
  goodDay,
  history,
  ordersSet,
  published,
  warnCases,
} from './check-cases.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await inTransaction(database.db, async (transaction) => {
    for (const contract of allContracts()) {
      await ensurePartition(transaction, `staging.${contract.source}_clean`, date)
    }
  })
})
afterAll(() => database.drop())

const sources = {
  orders: 'staging.orders_clean',
  events: 'staging.events_clean',
  products: 'staging.products_clean',
}

beforeEach(async () => {
  await database.db.query(goodDay)
})

function checkDay(
  options: { runId?: string; attempt?: number; sources?: Record<string, string> } = {},
) {
  const { checkQuality } = createQualityActivities({ database: database.db })
  const { runId = 'run-1', attempt = 1 } = options
  const task = { runKey: `ecommerce_daily/${date}`, taskId: 'dq_checks', runId, attempt }
  const input = { date, dagId: 'ecommerce_daily', sources: options.sources ?? sources }
  return runActivity(database.db, task, checkQuality, input)
}

async function rows(sql: string) {
  return (await database.db.query(sql)).rows
}
const failedChecks = async () =>
  (await rows('select check_id from audit.dq_results where not is_passed order by 1')).map(
    (row) => row.check_id,
  )

test('a good day passes every check', async () => {
  const result = await checkDay()
  const count = allContracts()
    .filter((contract) => contract.shopId === 'main')
    .flatMap(checksOf).length
  expect(result).toEqual({ checks: count, passed: count, warned: 0, failed: 0, rowsIn: 801 })
  expect(await failedChecks()).toEqual([])
})

test.each(criticalCases)(
  '%s stops the day, its result stays',
  async (check, spoil, actual, sample, also = []) => {
    await database.db.query(spoil)
    await expect(checkDay()).rejects.toMatchObject({ type: 'ChecksFailed', nonRetryable: true })
    expect(await failedChecks()).toEqual([check, ...also].sort())
    const [result] = await rows(
      `select severity, actual from audit.dq_results where check_id = '${check}'`,
    )
    expect(result).toEqual({ severity: 'critical', actual })
    const samples = await rows(
      `select record_key from audit.dq_failures where check_id = '${check}' and sample_no = 1`,
    )
    expect(samples[0]?.record_key).toBe(sample)
  },
)

test.each(warnCases)('%s warns, the day goes on', async (check, spoil, actual, sample) => {
  await database.db.query(spoil)
  expect(await checkDay()).toMatchObject({ warned: 1, failed: 0 })
  expect(await failedChecks()).toEqual([check])
  const [result] = await rows(
    `select severity, actual from audit.dq_results where check_id = '${check}'`,
  )
  expect(result).toEqual({ severity: 'warn', actual })
  const samples = await rows(
    `select record_key from audit.dq_failures where check_id = '${check}' and sample_no = 1`,
  )
  expect(samples[0]?.record_key).toBe(sample)
})

test('every check has a case in which it fails', () => {
  const cases = [...criticalCases, ...warnCases].map(([check]) =>
    check.split('_').slice(1).join('_'),
  )
  const checks = allContracts().flatMap((contract) =>
    checksOf(contract).map((check) => check.id.slice(contract.source.length + 1)),
  )
  expect([...new Set(cases)].sort()).toEqual([...new Set(checks)].sort())
})

test.each([
  ['usual_volume with 3 such weekdays', published('orders', 3, 7), 'orders_usual_volume'],
  [
    'status_drift with 6 days',
    history('orders', 6, 'order_lines', 'status', { pending: 50 }),
    'orders_status_drift',
  ],
])('%s of history is learning, and passes', async (_, past, check) => {
  await database.db.query(past)
  expect(await checkDay()).toMatchObject({ warned: 0, failed: 0 })
  expect(await rows(`select actual from audit.dq_results where check_id = '${check}'`)).toEqual([
    { actual: 'learning: too few days before' },
  ])
})

test('the mix of statuses of the days before is no drift', async () => {
  await database.db.query(history('orders', 7, 'order_lines', 'status', { paid: 90, pending: 10 }))
  await database.db.query(ordersSet(`status = 'pending'`, 'record_no <= 24'))
  expect(await checkDay()).toMatchObject({ warned: 0, failed: 0 })
})

test('a product that the catalogue of another week lists is known; an inferred one is not', async () => {
  await database.db.query(`
    insert into warehouse.dim_product (product_key, shop_id, vendor_id, product_id, valid_from, valid_to, is_inferred)
    values (1, 'main', 'SHOPNOW', 'p2', '-infinity', 'infinity', false),
      (2, 'main', 'SHOPNOW', 'p3', '-infinity', 'infinity', true)`)
  await database.db.query(ordersSet(`product_id = 'p2'`))
  expect(await checkDay()).toMatchObject({ warned: 0 })
  await database.db.query(ordersSet(`product_id = 'p3'`))
  await checkDay()
  expect(await failedChecks()).toEqual(['orders_known_products'])
})

test('the failure names every failed critical check with what was expected and found', async () => {
  await database.db.query(`delete from staging.orders_clean where record_no > 99`)
  await database.db.query(ordersSet('unit_price = 0'))
  await expect(checkDay()).rejects.toThrow(
    '2 critical checks of 2025-12-16 failed. orders_volume of staging.orders_clean: expected 100 to ' +
      '500,000 orders of the day, found 99; orders_revenue of staging.orders_clean: expected more than 0 ' +
      'revenue of the sale lines, found 0. Nothing of this delivery was published',
  )
})

test('a retry replaces the results of its run, a rerun has its own; nothing adds up', async () => {
  await database.db.query(ordersSet(`status = 'lost'`))
  await expect(checkDay()).rejects.toThrow('orders_status_accepted')
  const first = await rows('select count(*) as results from audit.dq_results')
  expect(await rows('select count(*) as samples from audit.dq_failures')).toEqual([{ samples: 20 }])
  await expect(checkDay({ attempt: 2 })).rejects.toThrow('orders_status_accepted')
  expect(await rows('select count(*) as results from audit.dq_results')).toEqual(first)
  await database.db.query(ordersSet(`status = 'paid'`))
  await checkDay({ runId: 'run-2' })
  expect(
    await rows(
      `select run_id, count(*) filter (where not is_passed) as failed from audit.dq_results group by 1 order by 1`,
    ),
  ).toEqual([
    { run_id: 'run-1', failed: 1 },
    { run_id: 'run-2', failed: 0 },
  ])
})

test('a day without a catalogue has no checks of the catalogue', async () => {
  await database.db.query(
    `truncate staging.products_clean; delete from audit.source_files where source = 'products'`,
  )
  const result: CheckQualityResult = await checkDay()
  expect(result.failed).toBe(0)
  expect(
    await rows(`select check_id from audit.dq_results where table_name = 'staging.products_clean'`),
  ).toEqual([])
})

test('the other shop has its own bounds, and no catalogue to be held to', async () => {
  const onlineRetail = { orders: 'staging.online_retail_clean' }
  // 60 lines of 7 invoices, none of a known customer.
  expect(await checkDay({ sources: onlineRetail })).toMatchObject({
    warned: 1,
    failed: 0,
    rowsIn: 60,
  })
  expect(await failedChecks()).toEqual(['online_retail_customer_null_share'])
  await database.db.query('delete from staging.online_retail_clean where record_no > 49')
  await expect(checkDay({ sources: onlineRetail })).rejects.toThrow(
    'expected 50 to 100,000 order lines',
  )
})

test('a table that no source has is bad input', async () => {
  await expect(checkDay({ sources: { orders: 'staging.nothing' } })).rejects.toMatchObject({
    type: 'BadInput',
  })
})
