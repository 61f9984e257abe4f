import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import { digestTables } from '../../platform/table-digests.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { DagRunFailure } from '../support/run-day.ts'
import { rowVersions, writtenBetween } from '../support/booked-days.ts'
import { runDay } from '../support/run-day.ts'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { isRecording, recordHistory } from './replay-histories.ts'

let daybook: DaybookWorker
beforeAll(async () => {
  daybook = await startDaybookWorker()
  await generateShop({
    from: '2025-12-13',
    days: 3,
    orders: 300,
    events: 2000,
    out: daybook.landingDir,
  })
  for (const date of ['2025-12-13', '2025-12-14', '2025-12-15']) {
    await runDay(daybook, 'ecommerce_daily', date)
  }
}, 120_000)
afterAll(() => daybook.stop())

async function rows<Row = Record<string, unknown>>(sql: string, ...params: unknown[]) {
  return (await daybook.database.db.query(sql, params)).rows as Row[]
}

async function record(date: string, name: string): Promise<void> {
  const workflowId = `ecommerce_daily/${date}`
  if (isRecording)
    await recordHistory(daybook.temporal.client, workflowId, { folder: 'dags', name })
}

/** Everything that readers of the warehouse see. */
const published = () => digestTables(daybook.database.db)

test('a Monday books its catalogue, other days skip it; every task is in the audit', async () => {
  const [sunday, monday] = await Promise.all([
    runDay(daybook, 'ecommerce_daily', '2025-12-14'),
    runDay(daybook, 'ecommerce_daily', '2025-12-15'),
  ])
  await record('2025-12-14', 'no-catalogue')
  await record('2025-12-15', 'monday')
  expect(sunday.tasks).toMatchObject({
    products_due: 'success',
    extract_products: 'skipped',
    transform_products_to_staging: 'skipped',
    load_dim_product: 'success',
    notify: 'success',
  })
  expect(monday.tasks).toMatchObject({ extract_products: 'success', notify: 'success' })
  const [task] = await rows(
    `select attempt, state, rows_in, rows_out, rows_rejected, bytes is not null as has_bytes, error
     from audit.task_runs where run_key = 'ecommerce_daily/2025-12-15' and task_id = 'extract_orders'
     order by started_at limit 1`,
  )
  expect(task).toMatchObject({ attempt: 1, state: 'success', has_bytes: true, error: null })
  expect(Number(task?.['rows_in'])).toBeGreaterThan(100)
})

const wrote = (date: string) =>
  rows<{ task_id: string }>(
    `select task_id from audit.task_runs where state = 'success' and not is_up_to_date and run_id = (
       select run_id from audit.pipeline_runs where run_key = $1 order by started_at desc limit 1)
     order by task_id`,
    `ecommerce_daily/${date}`,
  ).then((found) => found.map(({ task_id: task }) => task))

test('running a finished day again finds it up to date: only the run and its tasks are written down', async () => {
  const date = '2025-12-13'
  const before = await rowVersions(daybook.database.db)
  await runDay(daybook, 'ecommerce_daily', date)
  expect(await wrote(date)).toEqual([
    ...[
      'extract_events',
      'extract_orders',
      'extract_products',
      'is_held',
      'notify',
      'products_due',
    ],
  ])
  const written = writtenBetween(before, await rowVersions(daybook.database.db))
  expect(written.filter((table) => !/^audit\.(pipeline_runs|task_runs|slot_)/.test(table))).toEqual(
    [],
  )
  const { stdout } = await daybook.command('show', date)
  expect(stdout).toMatch(/^load_fact_orders +success .* up to date$/m)
  expect(stdout).not.toMatch(/^extract_orders .* up to date$/m)
  // The verdict of back then stands for this run.
  expect(stdout).toMatch(/^orders_volume +passed /m)
})

test('a full refresh makes everything of a finished day anew, and the same', async () => {
  const date = '2025-12-13'
  const before = await published()
  expect((await daybook.command('run', date, '--full-refresh')).code).toBe(0)
  const worked = await wrote(date)
  for (const task of ['transform_events_to_staging', 'dq_checks', 'load_dim_user', 'publish']) {
    expect(worked).toContain(task)
  }
  expect(await published()).toEqual(before)
})

test('clearing tasks of a booked day finds them up to date; one whose build is gone is refused with a remedy', async () => {
  const date = '2025-12-14'
  const before = await published()
  const clear = async (task: string) => {
    const { client, taskQueue } = daybook.temporal
    const request = { tasks: [task], by: 'ada' }
    const run = await startRun(client, {
      dagId: 'ecommerce_daily',
      date,
      taskQueue,
      clear: request,
    })
    return run.result()
  }
  const extracts = () =>
    rows(
      `select 1 from audit.task_runs where run_key = 'ecommerce_daily/2025-12-14' and task_id = 'extract_orders'`,
    )
  const extracted = (await extracts()).length
  await expect(clear('dq_checks')).resolves.toMatchObject({ state: 'success' })
  for (const task of ['load_dim_date', 'compute_daily_metrics', 'score_anomalies']) {
    await expect(clear(task)).resolves.toMatchObject({ state: 'success' })
  }
  expect(
    await rows(
      `select distinct on (task_id) task_id, is_up_to_date from audit.task_runs
       where run_key = $1 and task_id = any ($2) order by task_id, started_at desc`,
      `ecommerce_daily/${date}`,
      ['dq_checks', 'load_fact_events', 'compute_daily_metrics', 'score_anomalies', 'publish'],
    ),
  ).toEqual(
    ['compute_daily_metrics', 'dq_checks', 'load_fact_events', 'publish', 'score_anomalies'].map(
      (task) => ({ task_id: task, is_up_to_date: true }),
    ),
  )
  await daybook.database.db.query(
    `delete from audit.fingerprints
     where load_date = $1 and part in ('fact_orders', 'daily_metrics', 'metric_scores')`,
    [date],
  )
  for (const task of ['compute_daily_metrics', 'score_anomalies']) {
    const remedy = `daybook clear ecommerce_daily/${date} --task dq_checks`
    await expect(clear(task)).rejects.toMatchObject({
      cause: { message: expect.stringContaining(remedy) },
    })
  }
  await expect(clear('dq_checks')).resolves.toMatchObject({ state: 'success' })
  expect((await extracts()).length).toBe(extracted)
  expect(await published()).toEqual(before)
})

test('99 orders: the day fails before anything is published and says why, once', async () => {
  const date = '2025-12-16'
  const order = (number: number) => ({
    order_id: `few-${number}`,
    user_id: 'U1',
    product_id: 'P1',
    quantity: 1,
    price: 1,
    timestamp: `${date}T10:00:00Z`,
    status: 'paid',
  })
  const orders = Array.from({ length: 99 }, (_, number) => order(number))
  daybook.deliver(`orders/${date}/orders.json`, JSON.stringify(orders))
  const header = 'event_id,user_id,product_id,event_type,event_ts'
  const events = Array.from({ length: 600 }, (_, n) => `x-${n},,,page_view,${date}T10:00:00Z`)
  daybook.deliver(`events/${date}/events.csv`, [header, ...events, ''].join('\n'))
  const before = await published()
  const failure = await runDay(daybook, 'ecommerce_daily', date).then(
    () => expect.fail('the run did not fail'),
    (error: DagRunFailure) => error.cause,
  )
  await record(date, 'failed-check')
  expect(failure).toMatchObject({ type: 'DagRunFailed' })
  expect(failure.message).toMatch(/dq_checks.*ChecksFailed.*99/)
  expect(await published()).toEqual(before)
  expect(
    await rows(
      `select state, failed_tasks from audit.pipeline_runs where run_key = $1`,
      `ecommerce_daily/${date}`,
    ),
  ).toEqual([{ state: 'failed', failed_tasks: ['dq_checks'] }])
  expect(
    await rows(
      `select check_id, count(*) as results from audit.dq_results
       where logical_date = $1 and not is_passed and severity = 'critical' group by check_id`,
      date,
    ),
  ).toEqual([{ check_id: 'orders_volume', results: 1 }])
  const mails = await rows(
    `select kind, subject, state from audit.outbox where run_key = $1`,
    `ecommerce_daily/${date}`,
  )
  expect(mails).toEqual([
    { kind: 'failure', subject: expect.stringContaining(date), state: 'kept' },
  ])
  const mailDir = join(daybook.config.homeDir, 'mail')
  const texts = readdirSync(mailDir).map((name) => readFileSync(join(mailDir, name), 'utf8'))
  expect(texts.some((text) => text.includes('dq_checks'))).toBe(true)
})

test('a failed day that is delivered right is booked by running it again', async () => {
  const date = '2025-12-17'
  const missing = runDay(daybook, 'ecommerce_daily', date)
  await expect(missing).rejects.toMatchObject({
    cause: { message: expect.stringContaining(`No orders file for ${date}`) },
  })
  await generateShop({
    from: '2025-12-17',
    days: 1,
    orders: 300,
    events: 2000,
    out: daybook.landingDir,
  })
  await expect(runDay(daybook, 'ecommerce_daily', date)).resolves.toMatchObject({
    state: 'success',
  })
  expect(
    await rows(
      `select state from audit.pipeline_runs where run_key = $1 order by started_at`,
      `ecommerce_daily/${date}`,
    ),
  ).toEqual([{ state: 'failed' }, { state: 'success' }])
})

test('an abandoned attempt cannot write once a newer one has started', async () => {
  const { db } = daybook.database
  const { openFence, inFencedTransaction } = await import('../../platform/attempt.ts')
  const attempt = {
    runKey: 'ecommerce_daily/2025-12-18',
    taskId: 'publish',
    runId: 'r',
    attempt: 1,
  }
  await openFence(db, attempt)
  const write = inFencedTransaction(db, attempt, async (transaction) => {
    await transaction.query(`insert into audit.shop_versions values ('frozen', 1)`)
    await openFence(db, { ...attempt, attempt: 2 })
  })
  await expect(write).rejects.toThrow(
    'Attempt 1 of publish in ecommerce_daily/2025-12-18 is no longer',
  )
  expect(await rows(`select from audit.shop_versions where shop_id = 'frozen'`)).toEqual([])
})
