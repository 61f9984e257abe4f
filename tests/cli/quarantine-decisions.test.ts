import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { runDay } from '../support/run-day.ts'
import { orderOn } from '../support/sample-day.ts'

const date = '2025-12-13'
const path = `orders/${date}/orders.json`

let daybook: DaybookWorker
let delivered: object[]
beforeAll(async () => {
  daybook = await startDaybookWorker()
  const { landingDir } = daybook
  await generateShop({ from: date, days: 1, orders: 300, events: 2000, out: landingDir })
  const shop = JSON.parse(readFileSync(join(landingDir, path), 'utf8')) as object[]
  delivered = [
    orderOn(date, 'negative', { quantity: -3 }),
    orderOn(date, 'twice', { quantity: -3 }),
    orderOn(date, 'early', { quantity: -3 }),
    orderOn(date, 'given-up', { quantity: -3 }),
    orderOn(date, 'booked', { quantity: 1 }),
    orderOn(date, 'late', { quantity: -3 }),
    ...shop,
  ]
  daybook.deliver(path, JSON.stringify(delivered))
  await runDay(daybook, 'ecommerce_daily', date)
}, 120_000)
afterAll(() => daybook.stop())

const quarantine = async (...args: string[]) => {
  const { stdout, code } = await daybook.command('quarantine', ...args)
  expect(code).toBe(0)
  return stdout
}
const fix = (recordNo: number, by: string, ...sets: string[]) =>
  quarantine(
    ...['fix', `${path}:${recordNo}`, '--by', by, '--reason', 'told by phone'],
    ...sets.flatMap((set) => ['--set', set]),
  )

test('while a fix waits for its run, the carets stand under what the last run found wrong', async () => {
  await fix(1, 'ada', 'quantity=2')
  const lines = (await quarantine('show', `${path}:1`)).split('\n')
  expect(lines).toContain('quantity_min: quantity is "-3"; expected at least 1')
  const carets = lines.findIndex((line) => line.includes('^'))
  const start = lines[carets]?.indexOf('^')
  expect(lines[carets - 1]?.slice(start, lines[carets]?.length)).toBe('-3')
  expect(lines.find((line) => line.startsWith('  before  '))).toContain('"quantity":-3')
  expect(lines.find((line) => line.startsWith('  after   '))).toContain('"quantity":2')
  const json = JSON.parse(await quarantine('show', `${path}:1`, '--json')) as {
    rejected: string
    problems: { places: { start: number; end: number }[] }[]
  }
  const { start: from, end } = json.problems[0]?.places[0] ?? {}
  expect(json.rejected.slice(from, end)).toBe('-3')
})

test('who decides again is told of the decision that it replaces, and the earlier one says so', async () => {
  expect(await fix(2, 'ann', 'quantity=2')).not.toContain('replaces')
  expect(await fix(2, 'bob', 'quantity=3')).toMatch(
    /^replaces the fix of ann at 20.* UTC, which the books do not have: told by phone$/m,
  )
  const fixedTwice = await quarantine('show', `${path}:2`)
  expect(fixedTwice).toMatch(
    /^fixed by ann at .*: told by phone; replaced by the fix of bob at 20/m,
  )
  expect(fixedTwice.match(/not in the books yet/g)).toHaveLength(1)
  const dropped = await quarantine('drop', `${path}:2`, '--by', 'cyd', '--reason', 'spam')
  expect(dropped).toMatch(/^replaces the fix of bob at /m)
  const given = await quarantine('show', `${path}:2`)
  expect(given).toMatch(/^fixed by bob at .*; replaced by the drop of cyd at 20/m)
  expect(given).not.toContain('not in the books yet')
})

test('a fix that takes the key of a booked record says which of the two will count', async () => {
  expect(await fix(3, 'ada', 'order_id=booked', 'quantity=7')).toContain(
    `WARNING: order_id booked is booked already: ${path}:5, delivered ${date}, comes later and stays`,
  )
  expect(await fix(6, 'ada', 'order_id=booked', 'quantity=9')).toContain(
    `WARNING: order_id booked is booked already: ${path}:5, delivered ${date}, is replaced by this one`,
  )
  await quarantine('redrive')
  const { rows } = await daybook.database.db.query(
    `select quantity from warehouse.fact_orders where order_id = 'booked'`,
  )
  expect(rows).toEqual([{ quantity: 9 }])
  expect(await fix(6, 'ada', 'quantity=8')).not.toContain('WARNING')
})

test('what was decided about a file that came again with other content is named', async () => {
  await fix(1, 'ada', 'quantity=4')
  await quarantine('drop', `${path}:4`, '--reason', 'spam')
  daybook.deliver(path, JSON.stringify([...delivered, orderOn(date, 'one-more')]))
  await runDay(daybook, 'ecommerce_daily', date)
  const content = 'because their files were delivered again with other content:\n'
  for (const stdout of [await quarantine(), (await daybook.command('show', date)).stdout]) {
    expect(stdout).toContain(`No longer fixed, ${content}  ${path}:1\n`)
    expect(stdout.split(`No longer dropped, ${content}`)[1]?.split('\n')).toContain(`  ${path}:4`)
  }
}, 60_000)
