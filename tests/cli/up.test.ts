import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DaySummary } from '../../cli/daily-summary.ts'
import { addDays, lastCompleteDate } from '../../dag/calendar.ts'
import { generateShop } from '../../data/generator/generate.ts'
import { readState } from '../../platform/embedded/state-file.ts'
import { runCli } from '../support/run-cli.ts'

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'daybook.js')
const yesterday = lastCompleteDate(Date.now(), 'UTC')
const dayBefore = addDays(yesterday, -1)

let home = ''
let settings: Record<string, string> = {}
let children: ChildProcess[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'daybook-up-'))
  await chmod(home, 0o755)
  settings = { DAYBOOK_HOME: join(home, 'state'), LANDING_DIR: join(home, 'incoming') }
  const shop = { orders: 150, events: 800, flat: true }
  await generateShop({ from: dayBefore, days: 2, out: join(home, 'incoming'), ...shop })
})

afterEach(async () => {
  for (const child of children) child.kill('SIGTERM')
  await Promise.all(children.map(exitCodeOf))
  children = []
  await rm(home, { recursive: true, force: true })
})

interface Up {
  child: ChildProcess
  days: DaySummary[]
}

/** Starts `daybook up --json` and waits for its summary, which comes when it is up. */
async function startUp(): Promise<Up> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings }
  const child = spawn(process.execPath, [launcher, 'up', '--json'], { env, stdio: 'pipe' })
  children.push(child)
  const summary = await new Promise<string>((resolve, reject) => {
    let errors = ''
    let output = ''
    child.stderr.on('data', (chunk) => (errors += String(chunk)))
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
      if (output.endsWith('}\n')) resolve(output)
    })
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${errors}`)))
  })
  return { child, ...(JSON.parse(summary) as { days: DaySummary[] }) }
}

async function exitCodeOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  return new Promise((resolve) => child.once('exit', resolve))
}

/** Processes that have the test's folder in their environment or arguments; Linux only. */
async function findProcesses(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const texts = ['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8'))
      const all = await Promise.all(texts.map((text) => text.catch(() => '')))
      return all.join('').includes(home) ? pid : undefined
    }),
  )
  return found.filter((pid) => pid !== undefined)
}

test('up books the sample days, run and backfill work beside it, a second start keeps it all', async () => {
  const up = await startUp()
  expect(up.days.map(({ date, state }) => [date, state])).toEqual([
    [dayBefore, 'success'],
    [yesterday, 'success'],
  ])
  for (const day of up.days) {
    expect(day.received).toBe(day.loaded + day.quarantined + day.duplicates)
  }
  const second = await runCli(['up'], settings)
  expect(second.code).toBe(3)
  expect(second.stderr).toContain(`process ${up.child.pid}`)

  const again = await runCli(['run', yesterday, '--json'], settings)
  expect(again.code).toBe(0)
  expect(JSON.parse(again.stdout)).toMatchObject({ state: 'success' })
  const missing = await runCli(['run', '2024-06-01'], settings)
  expect(missing.code).toBe(1)
  expect(missing.stderr).toContain('No orders file for 2024-06-01')

  const future = await runCli(['run', '2999-01-01'], settings)
  expect(future.code).toBe(2)
  expect(future.stderr).toContain('2999-01-01')

  const plan = await runCli(['backfill', dayBefore, yesterday, '--dry-run'], settings)
  expect(plan.stdout).toContain('0 of 2 days would run.')
  expect(plan.stdout).toContain(`${yesterday}  left out: already exists (success)`)
  const backfill = await runCli(['backfill', dayBefore, yesterday, '--reprocess', 'all'], settings)
  expect(backfill.stdout).toContain('2 of 2 days were run.')
  expect(backfill.stderr).toContain(`${yesterday}  success`)
  const days = await runCli(
    ['backfills', `backfill/ecommerce_daily/${dayBefore}/${yesterday}`],
    settings,
  )
  expect(days.stdout).toMatch(new RegExp(`^ +2  ${yesterday}  success$`, 'm'))

  up.child.kill('SIGINT')
  expect(await exitCodeOf(up.child)).toBe(0)
  expect(await readState(settings['DAYBOOK_HOME'] ?? '')).toBeUndefined()

  // A second start keeps the state and books nothing again.
  const restarted = await startUp()
  const runs = await runCli(['runs', '--json'], settings)
  // Two of the first start, one `run` of yesterday, one that failed, two of the backfill.
  expect(JSON.parse(runs.stdout)).toHaveLength(6)
  restarted.child.kill('SIGTERM')
  expect(await exitCodeOf(restarted.child)).toBe(0)
})

test.runIf(process.platform === 'linux')(
  'kill -9 of daybook up leaves neither servers nor worker behind',
  async () => {
    const up = await startUp()
    expect((await findProcesses()).length).toBeGreaterThan(3)
    up.child.kill('SIGKILL')
    const deadline = Date.now() + 30_000
    while ((await findProcesses()).length > 0 && Date.now() < deadline) await sleep(200)
    expect(await findProcesses()).toEqual([])
  },
)

test('demo prints JSON alone on standard output, and exits with 1 when a day has failed', async () => {
  await writeFile(join(home, 'incoming', 'orders', yesterday, 'orders.json'), '[{"order_id":')
  const { code, stdout, stderr } = await runCli(['demo', '--json'], settings)
  const summary = JSON.parse(stdout) as { dag: string; days: DaySummary[] }
  expect(summary.dag).toBe('ecommerce_daily')
  expect(code).toBe(1)
  expect(summary.days.filter((day) => day.state === 'failed')).toHaveLength(1)
  expect(stderr).toContain(`1 day is not booked: ${yesterday} (failed)`)
})
