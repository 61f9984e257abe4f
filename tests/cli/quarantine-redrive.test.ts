import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import { startRun } from '../../schedules/start-run.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { runCli } from '../support/run-cli.ts'
import { runDay } from '../support/run-day.ts'
import { orderOn } from '../support/sample-day.ts'

const date = '2025-12-13'
const record = `orders/${date}/orders.json:1`
const waitMs = { timeout: 60_000, interval: 50 }

test('a run that had judged its records before the fix was made is followed by another', async () => {
  const daybook = await startDaybookWorker()
  const { db, url } = daybook.database
  const { client, address, namespace, taskQueue } = daybook.temporal
  const exists = async (sql: string, ...params: string[]) =>
    (await db.query(sql, params)).rowCount !== 0
  const settings = {
    ...{ DATABASE_URL: url, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace },
    TEMPORAL_TASK_QUEUE: taskQueue,
  }
  const quarantine = (...args: string[]) => runCli(['quarantine', ...args], settings)
  const shopLock = await db.connect()
  try {
    const { landingDir } = daybook
    await generateShop({ from: date, days: 1, orders: 300, events: 2000, out: landingDir })
    const path = `orders/${date}/orders.json`
    const orders = JSON.parse(readFileSync(join(landingDir, path), 'utf8')) as object[]
    const wrong = orderOn(date, 'to-fix', { quantity: 0 })
    daybook.deliver(path, JSON.stringify([wrong, ...orders]))
    await runDay(daybook, 'ecommerce_daily', date)

    await shopLock.query('begin')
    await shopLock.query('select from audit.shop_versions for update')
    const handle = await startRun(client, { dagId: 'ecommerce_daily', date, taskQueue })
    await vi.waitUntil(
      () => exists(`select from audit.task_runs where task_id = 'publish' and state = 'running'`),
      waitMs,
    )
    const fixed = await quarantine('fix', record, '--set', 'quantity=4', '--reason', 'seen')
    expect(fixed.code).toBe(0)
    const redriven = quarantine('redrive', '--json')
    // A parameter, so that the question does not find itself.
    const isWatching =
      'select from pg_stat_activity where datname = current_database() and query like $1'
    const watching = '%inner join audit.pipeline_runs as run using (run_id)%'
    await vi.waitUntil(() => exists(isWatching, watching), waitMs)
    await shopLock.query('rollback')
    await handle.result()

    const { stdout, code } = await redriven
    const run = { run: `ecommerce_daily/${date}`, state: 'success' }
    expect(JSON.parse(stdout)).toMatchObject({ waiting: [{ record }], runs: [run, run], left: [] })
    expect(code).toBe(0)
    const booked = await db.query(
      `select quantity from warehouse.fact_orders where order_id = 'to-fix'`,
    )
    expect(booked.rows).toEqual([{ quantity: 4 }])
  } finally {
    await shopLock.query('rollback')
    shopLock.release()
    await daybook.stop()
  }
}, 120_000)
