import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPastActivities } from '../../activities/past.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { graphOf } from '../dag/graph-of.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
let dagId: string
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())
beforeEach(() => {
  dagId = `past_${randomUUID().slice(0, 8)}`
})

const chain = graphOf({ load: [], report: ['load'], mail: ['report'] })
const withoutLoad = graphOf({ report: [], mail: ['report'] })

async function addRun(date: string, states: Record<string, string>, graph = chain) {
  const runId = randomUUID()
  const ended = Object.entries(states).map(([id, state]) => [id, { state, reason: '' }])
  await sample.database.db.query(
    `insert into audit.pipeline_runs
       (run_id, run_key, dag_id, logical_date, trigger, state, graph, task_states)
     values ($1, $2, $3, $4, 'schedule', 'running', $5, $6)`,
    [
      ...[runId, `${dagId}/${date}`, dagId, date],
      ...[JSON.stringify(graph), JSON.stringify(Object.fromEntries(ended))],
    ],
  )
  return runId
}

/** Whether the task of 13 December may start, or why not. */
async function answer(waitForDownstream = false, date = '2025-12-13'): Promise<string> {
  const { awaitPast } = createPastActivities({ database: sample.database.db })
  return awaitPast({ dagId, date, taskId: 'load', waitForDownstream }).then(
    () => 'starts',
    (error: Error) => error.message,
  )
}

describe('AT-P1 a task that depends on its past', () => {
  test.each(['success', 'skipped'])('starts after %s', async (state) => {
    await addRun('2025-12-12', { load: state, report: 'failed', mail: 'failed' })
    expect(await answer()).toBe('starts')
  })

  test.each(['failed', 'upstream_failed', 'cancelled', 'queued', 'running', 'restarting'])(
    'waits after %s',
    async (state) => {
      await addRun('2025-12-12', { load: state })
      expect(await answer()).toBe(`load waits: load of 2025-12-12 is ${state}`)
    },
  )

  test('waits for a run that goes on until the task has succeeded in it', async () => {
    const runId = await addRun('2025-12-12', {})
    expect(await answer()).toBe('load waits: load of 2025-12-12 is not done: its run is running')
    await sample.database.db.query(
      `insert into audit.task_runs (run_id, task_id, attempt, run_key, state, worker)
       values ($1, 'load', 1, $2, 'success', 'w')`,
      [runId, `${dagId}/2025-12-12`],
    )
    expect(await answer()).toBe('starts')
  })
})

describe('AT-P3 a task without a past', () => {
  test('starts in the first run of its DAG', async () => {
    await addRun('2025-12-14', { load: 'failed' })
    expect(await answer()).toBe('starts')
  })

  test('starts where no run before ever had it', async () => {
    await addRun('2025-12-12', { report: 'success' }, withoutLoad)
    expect(await answer()).toBe('starts')
  })

  test('waits where an older run had it and the one before has not', async () => {
    await addRun('2025-12-11', { load: 'success' })
    await addRun('2025-12-12', { report: 'success' }, withoutLoad)
    expect(await answer()).toBe('load waits: the run of 2025-12-12 has no task load')
  })
})

test('AT-P5 one that waits for downstream looks at what comes right after it, and no further', async () => {
  await addRun('2025-12-12', { load: 'success', report: 'failed', mail: 'upstream_failed' })
  expect(await answer(true)).toBe('load waits: report of 2025-12-12 is failed')
  await addRun('2025-12-15', { load: 'success', report: 'skipped', mail: 'failed' })
  expect(await answer(true, '2025-12-16')).toBe('starts')
})

test('AT-P4 the first day of a backfill starts after a failed day, the others have a past', async () => {
  const { client, taskQueue } = sample.temporal
  const start = { dagId: 'sample_past', taskQueue }
  for (const date of ['2025-10-01', '2025-10-03']) sample.broken.add(`${date} load`)
  await expect(
    (await startRun(client, { ...start, date: '2025-10-01' })).result(),
  ).rejects.toThrow()
  const days = { ...start, from: '2025-10-02', to: '2025-10-02' }
  await expect((await startBackfill(client, days)).result()).resolves.toMatchObject({
    days: [{ date: '2025-10-02', outcome: 'success' }],
  })
  const both = { ...start, from: '2025-10-03', to: '2025-10-04', concurrency: 1 }
  const backfill = await startBackfill(client, both)
  const second = client.workflow.getHandle('sample_past/2025-10-04')
  const why = () => second.query<string, [string]>('why', 'load').catch(() => '')
  await expect.poll(why, { timeout: 20_000 }).toContain('depends_on_past')
  sample.broken.clear()
  await (await startRun(client, { ...start, date: '2025-10-03' })).result()
  await expect(backfill.result()).rejects.toThrow()
  await expect(second.result()).resolves.toMatchObject({ state: 'success' })
})
