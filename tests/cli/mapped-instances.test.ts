import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SampleRuns } from './sample-runs.ts'
import { startSampleRuns } from './sample-runs.ts'

let sample: SampleRuns
beforeAll(async () => {
  sample = await startSampleRuns()
})
afterAll(() => sample.stop())

test('AT-X1 single instances of a mapped task are shown, explained and cleared', async () => {
  const date = '2025-12-01'
  const key = `sample_parts/${date}`
  sample.broken.add(`${date} parts`)
  await (await sample.start('sample_parts', date, { count: 5 })).result().catch(() => undefined)
  sample.broken.delete(`${date} parts`)
  const shown = await sample.daybook('show', key)
  expect(shown.stdout).toMatch(/^each\[4\] part 4 +failed +1 .* BadItem: part 4 is bad$/m)
  const why = await sample.daybook('why', key, 'each[4]')
  expect(why.stdout).toBe(
    `each[4] (part 4) is failed in ${key} (attempt 1: BadItem: part 4 is bad)\n`,
  )
  const nobody = await sample.daybook('why', key, 'each[5]')
  expect(nobody.stderr).toContain(`no instance each[5] has begun in ${key}`)
  expect(nobody.code).toBe(2)

  const clear = (...args: string[]) => sample.daybook('clear', key, ...args)
  const refused = await clear('--task', 'each[7]')
  expect(refused.stderr).toContain(`${key}: each has no instance 7; it has 0-4`)
  const dry = await clear('--dry-run')
  expect(dry.stdout).toMatch(/^each\[1,4\] +failed +it has not succeeded$/m)
  const done = await clear('--task', 'each[1,4]', '--reason', 'mended')
  expect(done.stdout).toMatch(/^each\[1,4\] +failed +chosen$/m)
  expect(done.code).toBe(0)
  expect(sample.mapped.slice(5).toSorted()).toEqual([`${date} each[1]`, `${date} each[4]`])
  const after = await sample.daybook('show', key)
  expect(after.stdout).toMatch(/clear +each\[1,4\], .*mended$/m)
  const mark = await sample.daybook('mark', key, 'each[1]', '--state', 'success')
  expect(mark.stderr).toContain('only a clear takes instances such as each[1]')
})
