import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rowVersions, sampleDays, writtenBetween } from '../support/booked-days.ts'
import { runCli } from '../support/run-cli.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

const root = join(import.meta.dirname, '../..')
const [tuesday, wednesday] = ['2025-12-16', '2025-12-17']

interface Plan {
  looked: number
  days: { date: string; tasks: { task: string; tables: string[]; reasons: string[] }[] }[]
  seconds: number | null
  commands: string[]
}

let database: TestDatabase
let shop: Awaited<ReturnType<typeof sampleDays>>
let settings: Record<string, string>
beforeAll(async () => {
  database = await testDatabase()
  shop = await sampleDays(database.db, { from: tuesday, days: 2 })
  for (const date of [tuesday, wednesday]) await shop.run(date)
  settings = { DATABASE_URL: database.url, ...shop.settings }
}, 60_000)
afterAll(() => database.drop())

async function plan(...args: string[]): Promise<Plan> {
  const { code, stdout, stderr } = await runCli(['plan', '--json', ...args], settings)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as Plan
}

/** A copy of the product in which a file is edited. */
function editedProduct(path: string, change: (text: string) => string): string {
  const copy = tempFolder('product')
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !/^\.|^(node_modules|tests|docs|data)$/.test(entry.name),
  )
  for (const { name } of folders) cpSync(join(root, name), join(copy, name), { recursive: true })
  cpSync(join(root, 'data/generator'), join(copy, 'data/generator'), { recursive: true })
  cpSync(join(root, 'data/mutants'), join(copy, 'data/mutants'), { recursive: true })
  cpSync(join(root, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const text = readFileSync(join(copy, path), 'utf8')
  expect(change(text)).not.toBe(text)
  writeFileSync(join(copy, path), change(text))
  return copy
}

function planOf(product: string, ...args: string[]): string {
  const command = [join(product, 'bin/daybook.js'), 'plan', ...args]
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings }
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { env, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
}

test('when nothing has changed, everything is up to date', async () => {
  const before = await rowVersions(database.db)
  const { code, stdout } = await runCli(['plan'], settings)
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'Everything is up to date (2 days of ecommerce_daily).\n',
  })
  expect(await plan(tuesday)).toMatchObject({ looked: 1, days: [], commands: [] })
  expect(writtenBetween(before, await rowVersions(database.db))).toEqual([])
})

test('an edited model makes its task, those that read it and every day stale, and nothing else', () => {
  const product = editedProduct('sql/metrics/orders.sql', (text) =>
    text
      .replace('coalesce(channel, ', 'coalesce(lower(channel), ')
      .replace('line.channel', 'lower(line.channel)'),
  )
  const { looked, days, commands } = JSON.parse(planOf(product, '--json')) as Plan
  expect(looked).toBe(2)
  const tasks = [
    {
      task: 'compute_daily_metrics',
      tables: ['warehouse.daily_metrics'],
      reasons: ['sql/metrics/orders.sql changed'],
    },
    {
      task: 'score_anomalies',
      tables: ['warehouse.metric_scores', 'warehouse.order_scores', 'warehouse.anomalies'],
      reasons: ['reads daily_metrics'],
    },
    { task: 'publish', tables: [], reasons: ['makes it visible'] },
  ]
  expect(days).toMatchObject([
    { date: tuesday, tasks },
    { date: wednesday, tasks },
  ])
  expect(commands).toEqual([`daybook backfill ${tuesday} ${wednesday} --reprocess all`])
  const shown = planOf(product)
  expect(shown).toMatch(
    /^2025-12-16 +2025-12-17 +2 +compute_daily_metrics +warehouse\.daily_metrics +sql\/metrics\/orders\.sql changed$/m,
  )
  expect(shown).toContain('2 of 2 days of ecommerce_daily: 6 tasks.')
  expect(planOf(product, '--from', wednesday)).toContain(`  daybook run ${wednesday}\n`)
})

test('a contract that changed makes its source stale, and what is made from it', () => {
  const product = editedProduct('domain/contracts/sample-shop.ts', (text) =>
    text.replace("'page_view'", "'page_view', 'page_seen'"),
  )
  const { days } = JSON.parse(planOf(product, tuesday, '--json')) as Plan
  const tasks = new Map(days[0]?.tasks.map(({ task, reasons }) => [task, reasons]))
  expect(tasks.get('transform_events_to_staging')).toEqual(['contract events changed'])
  expect(tasks.has('transform_orders_to_staging')).toBe(false)
  expect(tasks.get('load_fact_events')).toContain('reads transform events, dim_user, dim_product')
})

test('files that are new or changed make their day stale; a bad range is refused', async () => {
  const fresh = await testDatabase()
  try {
    const days = await sampleDays(fresh.db, { from: tuesday, days: 2 })
    await days.run(tuesday)
    days.edit(`orders/${tuesday}/orders.json`, (text) => text.replace('paid', 'paix'))
    const { stdout } = await runCli(['plan', '--json'], {
      DATABASE_URL: fresh.url,
      ...days.settings,
    })
    const found = JSON.parse(stdout) as Plan
    const reasons = (date: string, task: string) =>
      found.days.find((day) => day.date === date)?.tasks.find((stale) => stale.task === task)
        ?.reasons
    const changed = [`orders/${tuesday}/orders.json changed`]
    expect(reasons(tuesday, 'extract_orders')).toEqual(changed)
    expect(reasons(tuesday, 'transform_orders_to_staging')).toEqual(changed)
    expect(reasons(tuesday, 'extract_events')).toBeUndefined()
    expect(reasons(tuesday, 'transform_events_to_staging')).toBeUndefined()
    expect(reasons(wednesday, 'extract_orders')).toEqual([`orders/${wednesday}/orders.json is new`])
    expect(reasons(wednesday, 'dq_checks')).toContain('never published')
  } finally {
    await fresh.drop()
  }
  expect((await runCli(['plan', tuesday, '--to', wednesday], settings)).code).toBe(2)
  expect((await runCli(['plan', '--dag', 'nothing'], settings)).code).toBe(2)
})
