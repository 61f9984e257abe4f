import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { registerGenerate } from '../../cli/generate.ts'
import { ManifestSummary } from '../../data/generator/manifest.ts'

let out = ''

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'daybook-generate-'))
})

afterAll(() => rm(out, { recursive: true, force: true }))

/** Runs the subcommand in this process: what it prints and the code it would exit with. */
async function generate(...flags: string[]) {
  const printed = { stdout: '', stderr: '' }
  const program = new Command('daybook').exitOverride()
  registerGenerate(program)
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: (text) => (printed.stderr += text) })
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(
    (text) => ((printed.stdout += String(text)), true),
  )
  vi.spyOn(process.stderr, 'write').mockImplementation(
    (text) => ((printed.stderr += String(text)), true),
  )
  try {
    await program.parseAsync(['generate', ...flags], { from: 'user' })
    return { code: 0, ...printed }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { code: error.exitCode, ...printed }
  } finally {
    vi.restoreAllMocks()
  }
}

test('generate writes the days, tells its progress and prints the summary as JSON', async () => {
  const folder = join(out, 'shop')
  const run = await generate(
    '--days',
    '2',
    '--orders',
    '120',
    '--events',
    '300',
    '--json',
    '--out',
    folder,
  )
  expect(run.code).toBe(0)
  expect(run.stderr).toMatch(/^1\/2 {2}2025-12-13 .*\n2\/2 {2}2025-12-14 .*spoilt/)
  const summary = ManifestSummary.parse(JSON.parse(run.stdout))
  expect(summary.days.map((day) => day.date)).toEqual(['2025-12-08', '2025-12-13', '2025-12-14'])
})

test.each([
  [['--days', 'many'], '--days must be a number, got "many"'],
  [['--days', '0'], '--days must be a whole number from 1 to 3660, got 0'],
  [['--dirt', '7'], '--dirt must be a share of the records from 0 to 0.5, such as 0.01, got 7'],
  [['--from', '2025-13-45'], '--from must be a calendar date YYYY-MM-DD, got "2025-13-45"'],
  [['--seed', '-1'], '--seed must be a whole number'],
])('%j exits 2 and says which option is wrong', async (flags, message) => {
  const run = await generate(...flags, '--out', join(out, 'bad'))
  expect(run.code).toBe(2)
  expect(run.stderr).toContain(message)
})

test('a folder that cannot be written exits 1 and says so', async () => {
  const file = join(out, 'file')
  await writeFile(file, '')
  const run = await generate('--out', join(file, 'shop'))
  expect(run.code).toBe(1)
  expect(run.stderr).toContain(`Cannot write ${file}/shop/`)
})
