import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createQualityActivities, type CheckQualityResult } from '../../activities/check-quality.ts'
import { measureSource } from '../../activities/measure-checks.ts'
import { checksOf } from '../../domain/checks.ts'
import { allContracts } from '../../domain/contracts/all-contracts.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { StagedReader } from '../../platform/candidates.ts'
import { inTransaction } from '../../platform/database.ts'
import { publishProfile } from '../../platform/delivery-profiles.ts'
import { ensurePartition } from '../../platform/partitions.ts'
import { runActivity } from '../support/run-activity.ts'
import {
  criticalCases,
  date,
  errorCases,
  goodDay,
  ordersSet,
  profiles,
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

interface Options {
  runId?: string
  attempt?: number
  sources?: Record<string, string>
  approval?: string
}

function checkDay(options: Options = {}) {
  const { checkQuality } = createQualityActivities({ database: database.db })
  const { runId = 'run-1', attempt = 1 } = options
  const task = { runKey: `ecommerce_daily/${date}`, taskId: 'dq_checks', runId, attempt }
  const { approval } = options
  const input = {
    ...{ date, dagId: 'ecommerce_daily', sources: options.sources ?? sources },
    ...(approval === undefined ? {} : { approval }),
  }
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
  expect(result).toEqual({
    checks: count,
    passed: count,
    warned: 0,
    held: 0,
    failed: 0,
    rowsIn: 801,
  })
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

test.each(errorCases)(
  '%s has a person decide where the run has an approval, and stops the day where it has none',
  async (check, spoil, actual, _sample, also = []) => {
    await database.db.query(spoil)
    const approval = 'approve_held_day'
    expect(await checkDay({ approval })).toMatchObject({ held: 1, failed: 0, warned: also.length })
    expect(await failedChecks()).toEqual([check, ...also].sort())
    const found = `select severity, actual from audit.dq_results where check_id = '${check}'`
    expect(await rows(found)).toEqual([{ severity: 'error', actual }])
    await expect(checkDay()).rejects.toThrow(`1 check of ${date} failed. ${check} of`)
  },
)

test('a day that a critical check stops is none that a person may let pass', async () => {
  await database.db.query(published('orders', 4, 7, 401) + ordersSet('unit_price = 0'))
  await expect(checkDay({ approval: 'approve_held_day' })).rejects.toThrow(
    `1 critical check of ${date} failed. orders_revenue`,
  )
})

test('every check has a case in which it fails', () => {
  const cases = [...criticalCases, ...errorCases, ...warnCases].map(([check]) =>
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
    profiles('orders', 6, 'segment', 'status', { ':pending': 1 }),
    'orders_status_drift',
  ],
])('%s of history is learning, and passes', async (_, past, check) => {
  await database.db.query(past)
  expect(await checkDay()).toMatchObject({ warned: 0, failed: 0 })
  expect(await rows(`select actual from audit.dq_results where check_id = '${check}'`)).toEqual([
    { actual: 'learning: too few days before' },
  ])
})

test('all checks of a table take two scans of its rows, however many they are', async () => {
  const { orders } = sampleShopContracts('UTC')
  const scans = await inTransaction(database.db, async (transaction) => {
    // Counts what this connection has not reported yet, which may be of transactions before.
    const countScans = async () => {
      const counted = await transaction.query(
        `select seq_scan + coalesce(idx_scan, 0) as scans from pg_stat_xact_user_tables
         where schemaname = 'staging' and relname = $1`,
        [`orders_clean_p${date.replaceAll('-', '')}`],
      )
      return counted.rows[0].scans
    }
    const before = await countScans()
    const staged = new StagedReader(transaction, new Map())
    const { results } = await measureSource(staged, orders, date)
    expect(results.every((result) => result.isPassed)).toBe(true)
    return (await countScans()) - before
  })
  expect(scans).toBe(2)
})

test('a check leaves the profile of its delivery, and another check of it replaces that', async () => {
  const profile = `select kind, measure, segment, value from audit.delivery_profiles
    where source = 'orders' and is_candidate and measure in ('sampled', 'status', 'user_id missing')
    order by measure, segment`
  await database.db.query(ordersSet(`status = 'pending', user_id = null`, 'record_no <= 50'))
  await checkDay()
  const first = [
    { kind: 'count', measure: 'sampled', segment: '', value: 200 },
    { kind: 'segment', measure: 'status', segment: ':paid', value: 0.75 },
    { kind: 'segment', measure: 'status', segment: ':pending', value: 0.25 },
    { kind: 'share', measure: 'user_id missing', segment: '', value: 0.25 },
  ]
  expect(await rows(profile)).toEqual(first)
  await checkDay({ runId: 'run-2' })
  expect(await rows(profile)).toEqual(first)
})

test('days after the day, and the day as it was published, are no history of it', async () => {
  const later = profiles('orders', 7, 'share', 'user_id missing', { '': 0.5 })
  await database.db.query(later.replace(`'${date}' - n`, `'${date}' - 1 + n`))
  expect(await checkDay()).toMatchObject({ warned: 0 })
})

test('publishing makes the profile of the candidate that of the day', async () => {
  await checkDay()
  const published = async () =>
    rows(`select is_candidate, value from audit.delivery_profiles
          where source = 'orders' and measure = 'sampled'`)
  await inTransaction(database.db, (transaction) => publishProfile(transaction, 'orders', date))
  expect(await published()).toEqual([{ is_candidate: false, value: 200 }])
  await database.db.query('delete from staging.orders_clean where record_no > 150')
  await checkDay({ runId: 'run-2' })
  await inTransaction(database.db, (transaction) => publishProfile(transaction, 'orders', date))
  expect(await published()).toEqual([{ is_candidate: false, value: 150 }])
})

test('the mix of statuses of the days before is no drift', async () => {
  await database.db.query(
    profiles('orders', 7, 'segment', 'status', { ':paid': 0.9, ':pending': 0.1 }),
  )
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
