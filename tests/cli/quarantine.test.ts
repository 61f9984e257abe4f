import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import { digestTables } from '../../platform/table-digests.ts'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { runCli } from '../support/run-cli.ts'
import { orderOn } from '../support/sample-day.ts'
import { runDay } from '../support/run-day.ts'

const date = '2025-12-13'
const ordersFile = `orders/${date}/orders.json`
/** A record that no test corrects. */
const stays = { ...orderOn(date, 'stays', { price: 'abc' }), channel: 'red\u001b[31m' }

let daybook: DaybookWorker
beforeAll(async () => {
  daybook = await startDaybookWorker()
  await generateShop({ from: date, days: 1, orders: 300, events: 2000, out: daybook.landingDir })
  const orders = deliveredOrders(daybook)
  orders[0] = { ...orders[0], price: 'abc', channel: 'shop' }
  orders[1] = { ...orders[1], user_id: null }
  orders[2] = stays
  deliverOrders(daybook, orders)
  await runDay(daybook, 'ecommerce_daily', date)
}, 120_000)
afterAll(() => daybook.stop())

type Order = Record<string, unknown>

function deliveredOrders({ landingDir }: DaybookWorker): Order[] {
  return JSON.parse(readFileSync(join(landingDir, ordersFile), 'utf8')) as Order[]
}

function deliverOrders({ landingDir }: DaybookWorker, orders: readonly Order[]): void {
  mkdirSync(join(landingDir, `orders/${date}`), { recursive: true })
  writeFileSync(join(landingDir, ordersFile), JSON.stringify(orders))
}

const quarantine = (...args: string[]) => daybookCommand('quarantine', ...args)
function daybookCommand(...args: string[]) {
  const { address, namespace, taskQueue } = daybook.temporal
  return runCli(args, {
    DATABASE_URL: daybook.database.url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_TASK_QUEUE: taskQueue,
    LANDING_DIR: daybook.landingDir,
  })
}
const rows = async (sql: string) => (await daybook.database.db.query(sql)).rows
const fixes = (recordNo: number) =>
  rows(`select * from audit.record_fixes where record_no = ${recordNo}`)

test('show marks the failing place and obeys no control characters', async () => {
  const { stdout, code } = await quarantine('show', `${ordersFile}:3`)
  expect(code).toBe(0)
  expect(stdout).toContain('unit_price_type: unit_price is "abc"; expected a decimal number')
  const lines = stdout.split('\n')
  const carets = lines.findIndex((line) => line.includes('^'))
  const start = lines[carets]?.indexOf('^') ?? -1
  const end = lines[carets]?.length
  expect(lines[carets - 1]?.slice(start, end)).toBe('"abc"')
  expect(stdout).not.toContain('\u001b')
  const json = JSON.parse((await quarantine('show', `${ordersFile}:3`, '--json')).stdout) as object
  expect(json).toMatchObject({ record: `${ordersFile}:3`, problems: [{ rule: 'unit_price_type' }] })
})

test('a fix that breaks rules is refused with them, and nothing is kept', async () => {
  const record = `${ordersFile}:3`
  const refused = await quarantine('fix', record, '--set', 'price=-1', '--reason', 'guess')
  expect(refused.stdout).toContain('unit_price_min: unit_price is "-1"; expected more than 0')
  expect(refused.stderr).toContain('would break rules still; nothing was kept')
  expect(refused.code).toBe(1)
  expect(await fixes(3)).toEqual([])
})

test.each([
  [['fix', `${ordersFile}:3`, '--set', 'price=1', '--reason', ' '], 'it must be known why'],
  [['fix', `${ordersFile}:3`, '--reason', 'x'], 'say what is right'],
  [['fix', `${ordersFile}:3`, '--set', 'pirce=1', '--reason', 'x'], 'orders has no column pirce'],
  [['show', `${ordersFile}:999999`], 'has no record 999999'],
  [['show', 'orders/none.json:1'], 'no file orders/none.json'],
])('bad usage: %j', async (args, message) => {
  const { stderr, code } = await quarantine(...args)
  expect(stderr).toContain(message)
  expect(code).toBe(2)
})

test('fixed records are re-driven into the books that a right file would have given', async () => {
  const dryRun = await quarantine(
    ...['fix', `${ordersFile}:1`, '--set', 'price=7.5', '--reason', 'x', '--dry-run'],
  )
  expect(dryRun.stdout).toContain('would keep every rule; nothing was kept')
  expect(await fixes(1)).toEqual([])

  const one = ['fix', `${ordersFile}:1`, '--set', 'unit_price=7.5', '--set', 'channel=web']
  expect((await quarantine(...one, '--reason', 'told by phone', '--by', 'ada')).code).toBe(0)
  await quarantine('fix', `${ordersFile}:2`, '--set', 'user_id=USR-7', '--reason', 'seen', '--json')
  const waiting = await quarantine('--source', 'orders')
  expect(waiting.stdout).toContain('fixed by ada, waits for a run')
  expect(waiting.stdout).toContain('2 decisions wait for a run of the day')

  const { stdout, stderr, code } = await quarantine('redrive', '--date', date)
  expect(stderr).not.toContain('rror')
  expect(stdout).toContain(`ecommerce_daily/${date} is done`)
  expect(code).toBe(0)
  const nothing = await quarantine('redrive', '--dry-run')
  expect(nothing.stdout).toBe('Nothing that was fixed or dropped waits for a run.\n')
  const shown = await daybookCommand('show', date)
  expect(shown.stdout).toMatch(/orders\.json +loaded +3\d\d +\d+ +\d+ +2 /)
  const left = JSON.parse((await quarantine('--json')).stdout) as { records: object[] }
  expect(left.records).not.toContainEqual(expect.objectContaining({ record_no: 1 }))
  expect(left.records).not.toContainEqual(expect.objectContaining({ record_no: 2 }))

  const right = await startDaybookWorker()
  try {
    await generateShop({ from: date, days: 1, orders: 300, events: 2000, out: right.landingDir })
    const orders = deliveredOrders(right)
    orders[0] = { ...orders[0], price: 7.5, channel: 'web' }
    orders[1] = { ...orders[1], user_id: 'USR-7' }
    orders[2] = stays
    deliverOrders(right, orders)
    await runDay(right, 'ecommerce_daily', date)
    expect(await digestTables(daybook.database.db)).toEqual(await digestTables(right.database.db))
  } finally {
    await right.stop()
  }
}, 120_000)
