import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findTemporalBinary } from '../../platform/embedded/temporal-binary.ts'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { runCli } from '../support/run-cli.ts'
import { runDay } from '../support/run-day.ts'
import { tempFolder } from '../support/temp-folder.ts'

let daybook: DaybookWorker
let exported: string
const folder = tempFolder('histories')
const runKey = 'ecommerce_daily/2025-12-13'

beforeAll(async () => {
  daybook = await startDaybookWorker()
  // Nothing was delivered: a run that fails is a history like any other.
  await runDay(daybook, 'ecommerce_daily', '2025-12-13').catch(() => undefined)
  const file = join(folder, '2025-12-13.json')
  const { code } = await cli('history', 'export', '2025-12-13', '--out', file)
  expect(code).toBe(0)
  exported = readFileSync(file, 'utf8')
})
afterAll(() => daybook.stop())

function cli(...args: string[]) {
  const { address, namespace, taskQueue } = daybook.temporal
  return runCli(args, {
    DATABASE_URL: daybook.database.url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_TASK_QUEUE: taskQueue,
  })
}

/** A folder with these histories; a replay is given nothing but that. */
function folderOf(name: string, files: Record<string, string>): string {
  const path = join(folder, name)
  mkdirSync(path)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text)
  return path
}

test('an exported history is what `temporal workflow show --output json` writes', async () => {
  const binary = await findTemporalBinary({ homeDir: tmpdir(), log: () => undefined })
  const { address, namespace } = daybook.temporal
  const { stdout } = await promisify(execFile)(
    binary,
    [
      ...['workflow', 'show', '--workflow-id', runKey, '--output', 'json'],
      ...['--address', address, '--namespace', namespace],
    ],
    { maxBuffer: 100_000_000 },
  )
  expect(JSON.parse(exported)).toEqual(JSON.parse(stdout))
})

test('goes to standard output without --out; by workflow id, and of what Temporal does not have', async () => {
  const { stdout } = await cli('history', 'export', runKey)
  expect(JSON.parse(stdout)).toEqual(JSON.parse(exported))
  const missing = await cli('history', 'export', '1999-01-01')
  expect(missing.stderr).toContain('Temporal has no history of ecommerce_daily/1999-01-01')
  expect(missing.code).toBe(2)
})

test('histories that fit are replayed without any server: 0', async () => {
  const path = folderOf('fitting', { 'a.json': exported, 'b.json': exported, 'notes.txt': '' })
  const { stdout, stderr, code } = await runCli(['history', 'replay', path])
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^a\.json {2}ecommerce_daily\/2025-12-13 {2}fits \(\d+ decisions\)$/m)
  expect(stdout).toContain("2 of 2 histories fit today's code.")
  expect(code).toBe(0)
})

test('a changed history is named with the decision that differs, in words: 1', async () => {
  const changed = exported.replace('"name": "extractSource"', '"name": "fetchSource"')
  const files = { 'a.json': exported, 'b.json': changed, 'c.json': '{"events": []}', 'd.json': '{' }
  const path = folderOf('changed', files)
  const { stdout, stderr, code } = await runCli(['history', 'replay', path])
  expect(code).toBe(1)
  const words =
    /b\.json .*DIFFERS {2}event \d+: the history scheduled activity (\w+) \(fetchSource\), today's code schedules activity \1 \(extractSource\)/
  expect(stdout).toMatch(words)
  expect(stderr).toMatch(words)
  expect(stdout).toMatch(/c\.json {2}UNREADABLE {2}it is no history/)
  expect(stdout).toMatch(/d\.json {2}UNREADABLE/)
  expect(stdout).toContain("1 of 4 histories fit today's code.")
  const json = await runCli(['history', 'replay', path, '--json'])
  const outcomes = (JSON.parse(json.stdout) as { outcome: string }[]).map((one) => one.outcome)
  expect(outcomes).toEqual(['fits', 'differs', 'unreadable', 'unreadable'])
})

test('a workflow that today’s code does not have is said', async () => {
  const changed = exported.replace('"name": "ecommerce_daily"', '"name": "gone_daily"')
  const { stdout, code } = await runCli([
    'history',
    'replay',
    folderOf('gone', { 'a.json': changed }),
  ])
  expect(stdout).toMatch(/a\.json .*DIFFERS .*gone_daily/)
  expect(code).toBe(1)
})

test('a folder without histories is bad usage: 2', async () => {
  const empty = await runCli(['history', 'replay', folderOf('empty', {})])
  expect(empty.stderr).toContain('there is no history (*.json)')
  const missing = await runCli(['history', 'replay', join(folder, 'nowhere')])
  expect([empty.code, missing.code]).toEqual([2, 2])
})

test('200 histories take less than a minute', async () => {
  const files = Array.from({ length: 200 }, (_, index) => [`${index}.json`, exported] as const)
  const startedAt = performance.now()
  const { code } = await runCli(['history', 'replay', folderOf('many', Object.fromEntries(files))])
  expect(code).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(60_000)
})
