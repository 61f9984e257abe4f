import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startBackfill } from '../../schedules/start-backfill.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

test('a backfill and its running task go on at once on the next worker when theirs is stopped', async () => {
  const { client, taskQueue } = sample.temporal
  const days = { dagId: 'sample_gate', from: '2025-12-01', to: '2025-12-02', taskQueue }
  const backfill = await startBackfill(client, days)
  await vi.waitUntil(() => sample.gates.has('2025-12-01'))
  sample.gates.clear()

  await sample.restart()

  // Sooner than the hour that the task waits between its own retries.
  await vi.waitUntil(() => sample.gates.has('2025-12-01'), { timeout: 20_000 })
  sample.gates.get('2025-12-01')?.()
  await vi.waitUntil(() => sample.gates.has('2025-12-02'), { timeout: 20_000 })
  sample.gates.get('2025-12-02')?.()
  await expect(backfill.result()).resolves.toMatchObject({ done: 2 })
  const { rows } = await sample.database.db.query(
    `select run_key, attempt, state, error from audit.task_runs where task_id = 'gate'
     order by run_key, attempt`,
  )
  expect(rows).toEqual([
    { run_key: 'sample_gate/2025-12-01', attempt: 1, state: 'cancelled', error: 'let go' },
    { run_key: 'sample_gate/2025-12-01', attempt: 2, state: 'success', error: null },
    { run_key: 'sample_gate/2025-12-02', attempt: 1, state: 'success', error: null },
  ])
})
