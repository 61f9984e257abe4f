import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { inTransaction } from '../../platform/database.ts'
import { runCli } from '../support/run-cli.ts'
import { eventsHeader, orderOn } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { wholeDays } from '../support/whole-days.ts'

let database: TestDatabase
const date = '2025-12-16'

beforeAll(async () => {
  database = await testDatabase()
  const shop = wholeDays(database.db)
  const orders = ['a', 'b', 'c'].map((id) => orderOn(date, id))
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(orders))
  shop.deliver(`events/${date}/events.csv`, `${eventsHeader}\n`)
  await shop.runDay(date)
}, 30_000)
afterAll(() => database.drop())

const daybook = (...args: string[]) => runCli(args, { DATABASE_URL: database.url })

test('equal books end with 0 and say so', async () => {
  const { code, stdout, stderr } = await daybook('verify')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^main +fact_orders +3 +3 +[0-9a-f]{12} +[0-9a-f]{12} +equal$/m)
  expect(stdout).toMatch(/What is published equals its rebuild \(\d+\.\d s\)\.\n$/)
})

test('one shop is asked for by its id or by its DAG; an unknown one is bad usage', async () => {
  for (const args of [
    ['--shop', 'main'],
    ['--dag', 'ecommerce_daily'],
  ]) {
    const { code, stdout } = await daybook('verify', ...args, '--json')
    expect(code).toBe(0)
    const { isEqual, tables } = JSON.parse(stdout) as {
      isEqual: boolean
      tables: { shop: string | null; table: string }[]
    }
    expect(isEqual).toBe(true)
    expect(tables.map(({ shop }) => shop)).toEqual([
      null,
      ...Array.from({ length: 8 }, () => 'main'),
    ])
  }
  expect(await daybook('verify', '--shop', 'nowhere')).toMatchObject({
    code: 2,
    stderr: 'error: no DAG publishes a shop nowhere; there are main, online_retail\n',
  })
  expect((await daybook('verify', '--dag', 'nothing')).code).toBe(2)
  expect((await daybook('verify', '--shop', 'main', '--digests')).code).toBe(2)
})

test('the digests alone are printed without a rebuild', async () => {
  const { code, stdout } = await daybook('verify', '--digests', '--json')
  expect(code).toBe(0)
  const digests = JSON.parse(stdout) as Record<string, unknown>
  expect(digests['fact_orders']).toEqual({
    rows: 3,
    digest: expect.stringMatching(/^[0-9a-f]{32}$/),
  })
  const table = await daybook('verify', '--digests')
  expect(table.stdout).toMatch(/^fact_orders +3 +[0-9a-f]{32}$/m)
})

test('what differs ends with 1, and is shown with its key, its columns and both values', async () => {
  const change = (price: string) =>
    database.db.query('update warehouse.fact_orders set unit_price = $1 where order_id = $2', [
      ...[price, 'b'],
    ])
  await change('99')
  const { code, stdout, stderr } = await daybook('verify')
  const json = await daybook('verify', '--json')
  await change('12.345')
  expect(code).toBe(1)
  expect(stderr).toBe('Published and rebuilt differ in main fact_orders\n')
  expect(stdout).toMatch(/^main +fact_orders +3 +3 .* 1 row differs$/m)
  expect(stdout).toContain(`main fact_orders: rows that differ
  order_id=b line_no=1 order_date=2025-12-16
    unit_price: published "99", rebuilt "12.345"
`)
  expect(json.code).toBe(1)
  expect(JSON.parse(json.stdout)).toMatchObject({ isEqual: false })
})

test('a verification that is killed leaves nothing behind', async () => {
  const launcher = join(import.meta.dirname, '../../bin/daybook.js')
  const child = spawn(process.execPath, [launcher, 'verify'], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: database.url },
    stdio: 'ignore',
  })
  const isDead = new Promise((resolve) => child.once('close', resolve))
  const backends = async (state: string) =>
    (
      await database.db.query(
        `select pid from pg_stat_activity where datname = current_database() and pid in (
           select pid from pg_locks where ${state})`,
      )
    ).rowCount
  // It waits for this table when everything else has been rebuilt.
  await inTransaction(database.db, async (transaction) => {
    await transaction.query('lock table warehouse.metric_scores in access exclusive mode')
    const waiting = `not granted and relation = 'warehouse.metric_scores'::regclass`
    await vi.waitFor(async () => expect(await backends(waiting)).toBe(1), 20_000)
    child.kill('SIGKILL')
    await isDead
  })
  const holding = `relation = 'warehouse.fact_orders'::regclass`
  await vi.waitFor(async () => expect(await backends(holding)).toBe(0), 20_000)
  const { rows } = await database.db.query(
    `select nspname from pg_namespace where nspname like 'verify%'`,
  )
  expect(rows).toEqual([])
}, 60_000)
