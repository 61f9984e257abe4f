import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { BackfillProgress } from '../../workflows/run-days.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

async function isHeld(date: string): Promise<void> {
  await vi.waitUntil(() => sample.gates.has(date), { timeout: 20_000 })
}

function backfill(input: { dagId: string; from: string; to: string; reprocess?: 'all' }) {
  const { client, taskQueue } = sample.temporal
  return startBackfill(client, { ...input, taskQueue, concurrency: 1 })
}

const outcomes = ({ days }: BackfillProgress) => days.map(({ outcome }) => outcome)

test('AT-B4 a DAG without a schedule can be backfilled', async () => {
  const days = { dagId: 'sample_in_time', from: '2025-12-01', to: '2025-12-02' }
  const result = await (await backfill(days)).result()
  expect(outcomes(result)).toEqual(['success', 'success'])
})

test.each(['failed', 'all', 'none', 'completed'] as const)(
  'AT-B1 with reprocess %s a running day is in flight',
  async (reprocess) => {
    const { client, taskQueue } = sample.temporal
    const date = {
      failed: '2025-06-01',
      all: '2025-06-02',
      none: '2025-06-03',
      completed: '2025-06-04',
    }[reprocess]
    const other = await startRun(client, { dagId: 'sample_cancel', date, taskQueue })
    await isHeld(date)
    const day = { dagId: 'sample_cancel', from: date, to: date, reprocess, taskQueue }
    const { days } = await (await startBackfill(client, day)).result()
    expect(days).toMatchObject([
      { outcome: 'skipped', reason: expect.stringMatching(/^in flight/) },
    ])
    sample.gates.get(date)?.()
    await other.result()
  },
)

test('AT-B10, AT-B11 a cancelled backfill ends with its running day, and leaves no run that cannot go on', async () => {
  const { client, taskQueue } = sample.temporal
  const range = { dagId: 'sample_gate', from: '2025-08-01', to: '2025-08-03' }
  const cancelled = await backfill(range)
  await isHeld('2025-08-01')
  await cancelled.signal('cancel')
  await vi.waitUntil(async () => (await cancelled.query<BackfillProgress>('progress')).isCancelled)
  expect((await cancelled.describe()).status.name).toBe('RUNNING')
  sample.gates.get('2025-08-01')?.()
  expect(outcomes(await cancelled.result())).toEqual(['success', 'skipped', 'skipped'])

  sample.gates.clear()
  const clear = { by: 'ada', tasks: ['gate'] }
  const again = { dagId: 'sample_gate', date: '2025-08-01', taskQueue, clear }
  const cleared = await startRun(client, again)
  await isHeld('2025-08-01')
  sample.gates.get('2025-08-01')?.()
  await expect(cleared.result()).resolves.toMatchObject({ state: 'success' })

  const rest = await backfill(range)
  for (const date of ['2025-08-02', '2025-08-03']) {
    await isHeld(date)
    sample.gates.get(date)?.()
  }
  expect(outcomes(await rest.result())).toEqual(['skipped', 'success', 'success'])
})
