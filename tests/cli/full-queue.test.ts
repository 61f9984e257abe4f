import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRun } from '../../schedules/start-run.ts'
import type { SampleRuns } from './sample-runs.ts'
import { soon, startSampleRuns } from './sample-runs.ts'

let sample: SampleRuns
beforeAll(async () => {
  sample = await startSampleRuns()
})
afterAll(() => sample.stop())

test('a failed day that is cleared gets by the day that waits for it, though that holds the last place', async () => {
  const dagId = 'sample_past_single'
  const { client, taskQueue } = sample.temporal
  const start = { dagId, taskQueue, trigger: 'schedule' }
  sample.broken.add('2025-12-01')
  const failed = await startRun(client, { ...start, date: '2025-12-01' })
  await expect(failed.result()).rejects.toThrow()
  sample.broken.clear()
  const next = await startRun(client, { ...start, date: '2025-12-02' })
  const why = () => next.query<string, [string]>('why', 'load').catch(() => '')
  await expect.poll(why, soon).toContain('depends_on_past')
  const clear = { by: 'ada' }
  const again = await startRun(client, { ...start, date: '2025-12-01', clear })
  expect(await again.result()).toMatchObject({ state: 'success' })
  expect(await next.result()).toMatchObject({ state: 'success' })
})
