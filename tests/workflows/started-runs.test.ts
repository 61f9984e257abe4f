import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createRunActivities } from '../../activities/runs.ts'
import { resolveRun } from '../../dag/resolve-run.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { sampleSingle } from './sample-dags/shape-dags.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

const soon = { timeout: 30_000, interval: 20 }

function start(dagId: string, date: string, ...tasks: string[]) {
  const { client, taskQueue } = sample.temporal
  const clear = tasks.length > 0 ? { clear: { tasks, by: 'test' } } : {}
  return startRun(client, { dagId, date, taskQueue, ...clear })
}

async function openGate(date: string): Promise<void> {
  const open = await vi.waitUntil(() => sample.gates.get(date), soon)
  sample.gates.delete(date)
  open()
}

async function statesOf(dagId: string): Promise<string[]> {
  const { rows } = await sample.database.db.query<{ state: string }>(
    `select state from audit.pipeline_runs where dag_id = $1 and ended_at is null order by state`,
    [dagId],
  )
  return rows.map(({ state }) => state)
}

test('clears of days that a backfill ran are held by max_active_runs: it has ended', async () => {
  const { client, taskQueue } = sample.temporal
  const days = { dagId: 'sample_single', from: '2025-11-01', to: '2025-11-02', concurrency: 2 }
  const backfill = await startBackfill(client, { ...days, taskQueue })
  for (const date of [days.from, days.to]) await openGate(date)
  await backfill.result()
  const first = await start('sample_single', days.from, 'hold')
  await vi.waitUntil(() => sample.gates.has(days.from), soon)
  const second = await start('sample_single', days.to, 'hold')
  await vi.waitUntil(async () => (await statesOf('sample_single')).length === 2, soon)
  expect(await statesOf('sample_single')).toEqual(['queued', 'running'])
  await openGate(days.from)
  await openGate(days.to)
  await Promise.all([first.result(), second.result()])
})

test('the first day of a backfill has no past when it is cleared either', async () => {
  const { client, taskQueue } = sample.temporal
  sample.broken.add('2025-10-01')
  await expect((await start('sample_past', '2025-10-01')).result()).rejects.toThrow()
  sample.broken.add('2025-10-02 after')
  const days = { dagId: 'sample_past', from: '2025-10-02', to: '2025-10-02' }
  const backfill = await startBackfill(client, { ...days, taskQueue })
  await expect(backfill.result()).rejects.toThrow()
  sample.broken.clear()
  await expect((await start('sample_past', days.from, 'load')).result()).resolves.toMatchObject({
    tasks: { load: 'success', after: 'success' },
  })
})

test('a run whose first step is made twice has the place that came free in between', async () => {
  const { client } = sample.temporal
  const { db: database } = sample.database
  const runs = createRunActivities({ database, client, hasSearchAttributes: true })
  const startOf = (date: string, runId: string) => {
    const workflowId = `sample_single/${date}`
    const nowMs = Date.now()
    const door = { workflowId, inputs: [], trigger: 'cli', scheduledMs: undefined, nowMs }
    return runs.startRun({
      ...{ resolved: resolveRun(sampleSingle, door), dagId: 'sample_single', runId },
      ...{ startedMs: nowMs, graph: sampleSingle.graph, maxActiveRuns: 1 },
      ...{ rerunWithLatestVersion: undefined, latestUntilMs: null, dueMs: null },
      datasets: undefined,
    })
  }
  const [holder, waiting] = [randomUUID(), randomUUID()]
  expect(await startOf('2025-09-01', holder)).toMatchObject({ isQueued: false })
  expect(await startOf('2025-09-02', waiting)).toMatchObject({ isQueued: true })
  await database.query('delete from audit.slot_requests where run_id = $1', [holder])
  expect(await startOf('2025-09-02', waiting)).toMatchObject({ isQueued: false })
  const { rows } = await database.query('select state from audit.pipeline_runs where run_id = $1', [
    waiting,
  ])
  expect(rows).toEqual([{ state: 'running' }])
})
