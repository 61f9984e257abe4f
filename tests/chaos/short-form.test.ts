import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'

const run = promisify(execFile)
const script = join(import.meta.dirname, '..', '..', 'chaos', 'run.ts')

function chaos(...flags: string[]) {
  return run(process.execPath, [script, ...flags], { maxBuffer: 10_000_000 })
}

const Report = z.object({
  rounds: z.array(
    z.object({
      name: z.string(),
      deeds: z.record(z.string(), z.number()),
      problems: z.array(z.string()),
      mails: z.object({ written: z.int() }),
    }),
  ),
})

test('a week under kills of every process and a bad mail server ends as one that nothing disturbed', async () => {
  const { stdout } = await chaos('--only', 'short', '--seed', '7', '--orders', '120', '--json')
  const [quiet, disturbed, ...more] = Report.parse(JSON.parse(stdout)).rounds
  expect(more).toEqual([])
  expect(quiet).toMatchObject({ name: 'undisturbed', problems: [], deeds: {} })
  expect(disturbed?.problems).toEqual([])
  expect(disturbed?.mails.written).toBeGreaterThan(0)
  const struck = Object.keys(disturbed?.deeds ?? {}).join('\n')
  for (const victim of ['worker 1', 'PostgreSQL', 'Temporal']) expect(struck).toContain(victim)
  expect(struck).toMatch(/mail server (down|refuses|drops)/)
}, 240_000)

test('the list names every scenario, and a name that is none of them is refused', async () => {
  const { stdout } = await chaos('--list')
  for (const name of ['storm', 'frozen_worker', 'postgres_killed_in_copy', 'disk_full']) {
    expect(stdout).toContain(name)
  }
  await expect(chaos('--only', 'nothing')).rejects.toMatchObject({ code: 2 })
})
