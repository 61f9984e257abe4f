import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createPastActivities } from '../../activities/past.ts'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import { clearUpdate, pauseUpdate } from '../../dag/run-loop/interventions.ts'
import type { TaskStates } from '../../dag/task-state.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { graphOf } from '../dag/graph-of.ts'
import { replay } from './replay-histories.ts'
import type { SampleActivities } from './sample-dags/sample-activities.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

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

async function addRun(
  date: string,
  states: Record<string, string>,
  graph = chain,
  trigger = 'schedule',
) {
  const runId = randomUUID()
  const ended = Object.entries(states).map(([id, state]) => [id, { state, reason: '' }])
  await sample.database.db.query(
    `insert into audit.pipeline_runs
       (run_id, run_key, dag_id, logical_date, trigger, state, graph, task_states)
     values ($1, $2, $3, $4, $5, 'running', $6, $7)`,
    [
      ...[runId, `${dagId}/${date}`, dagId, date, trigger],
      ...[JSON.stringify(graph), JSON.stringify(Object.fromEntries(ended))],
    ],
  )
  return runId
}

/** Whether the task of 13 December may start, or why not. */
async function answer(
  waitForDownstream = false,
  date = '2025-12-13',
  past: { isScheduled?: true } = {},
): Promise<string> {
  const { awaitPast } = createPastActivities({
    database: sample.database.db,
    client: sample.temporal.client,
  })
  return awaitPast({ dagId, date, taskId: 'load', waitForDownstream, ...past }).then(
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

describe('AT-P1 in a run that still goes on', () => {
  test('a task that was skipped lets the one of the next run go at once', async () => {
    const { client, taskQueue } = sample.temporal
    const start = { dagId: 'sample_past_skip', taskQueue, trigger: 'schedule' }
    const first = await startRun(client, { ...start, date: '2025-11-01' })
    await vi.waitUntil(() => sample.gates.has('2025-11-01'), { timeout: 20_000 })
    const second = await startRun(client, { ...start, date: '2025-11-02' })
    const stateOf = async () => (await second.query<TaskStates>('state'))['maybe']?.state
    await expect.poll(stateOf, { timeout: 20_000 }).toBe('skipped')
    expect((await first.describe()).status.name).toBe('RUNNING')
    await vi.waitUntil(() => sample.gates.has('2025-11-02'), { timeout: 20_000 })
    for (const date of ['2025-11-01', '2025-11-02']) sample.gates.get(date)?.()
    await Promise.all([first.result(), second.result()])
  })

  test('a task that has succeeded and was cleared keeps the one of the next run waiting', async () => {
    const { client, taskQueue } = sample.temporal
    const start = { dagId: 'sample_past_gate', taskQueue, trigger: 'schedule' }
    const first = await startRun(client, { ...start, date: '2025-11-03' })
    await vi.waitUntil(() => sample.gates.has('2025-11-03'), { timeout: 20_000 })
    const { awaitPast } = createPastActivities({ database: sample.database.db, client })
    const input = { dagId: start.dagId, date: '2025-11-04', taskId: 'load' }
    const look = () => awaitPast({ ...input, waitForDownstream: false })
    await expect(look()).resolves.toBeUndefined()
    await first.executeUpdate(pauseUpdate, { args: [{ by: 'ada' }] })
    await first.executeUpdate(clearUpdate, { args: [{ tasks: ['load'], by: 'ada' }] })
    await expect(look()).rejects.toThrow('load waits: load of 2025-11-03 is queued')
    await first.cancel()
    await expect(first.result()).rejects.toThrow()
  })
})

describe('AT-P2 the run before', () => {
  test('of a DAG that catches up is the scheduled one, not one that people made', async () => {
    await addRun('2025-12-11', { load: 'failed' })
    await addRun('2025-12-12', { load: 'success' }, chain, 'cli')
    const past = { isScheduled: true } as const
    expect(await answer(false, '2025-12-13', past)).toBe('load waits: load of 2025-12-11 is failed')
    expect(await answer()).toBe('starts')
  })

  test('is the one of a backfill too, and a scheduled one that people ran again', async () => {
    const past = { isScheduled: true } as const
    await addRun('2025-12-11', { load: 'failed' }, chain, 'backfill')
    expect(await answer(false, '2025-12-13', past)).toContain('2025-12-11 is failed')
    await addRun('2025-12-11', { load: 'success' }, chain, 'cli')
    expect(await answer(false, '2025-12-13', past)).toBe('starts')
  })

  test.each(['dataset', 'run_dag'])(
    'is one that nobody asked for, started by %s',
    async (trigger) => {
      const past = { isScheduled: true } as const
      await addRun('2025-12-11', { load: 'success' })
      await addRun('2025-12-12', { load: 'failed' }, chain, trigger)
      expect(await answer(false, '2025-12-13', past)).toContain('2025-12-12 is failed')
    },
  )

  test.each([true, false])('follows from catchup: %s', (catchup) => {
    const options = { id: 'past', schedule: null, startDate: '2025-01-01', maxActiveRuns: 1 }
    const act = activityRefs<SampleActivities>()
    const dag = defineDag({ ...options, catchup }, ({ task, date }) => {
      task('load', act.count, { date }, { dependsOnPast: true })
    })
    const isScheduled = catchup ? { isScheduled: true } : {}
    expect(dag.graph.tasks[0]?.past).toEqual({ waitForDownstream: false, ...isScheduled })
  })
})

test('AT-P6 a task that waits for its past before it is skipped is skipped when that allows', async () => {
  const { client, taskQueue } = sample.temporal
  const start = { dagId: 'sample_past_held', taskQueue, trigger: 'schedule' }
  sample.broken.add('2025-09-01 load')
  const first = await startRun(client, { ...start, date: '2025-09-01' })
  await expect(first.result()).rejects.toThrow()
  sample.broken.clear()
  sample.broken.add('2025-09-02')
  const second = await startRun(client, { ...start, date: '2025-09-02' })
  const why = () => second.query<string, [string]>('why', 'load')
  await expect.poll(why, { timeout: 20_000 }).toContain('depends_on_past')
  expect((await second.query<TaskStates>('state'))['report']?.state).toBe('skipped')
  await (await startRun(client, { ...start, date: '2025-09-01' })).result()
  await expect(second.result()).resolves.toMatchObject({
    tasks: { is_open: 'success', load: 'skipped', report: 'skipped' },
  })
  expect((await second.query<TaskStates>('state'))['load']).toMatchObject({
    reason: 'is_open let nothing through',
    because: ['is_open'],
  })
  const history = await second.fetchHistory()
  const histories = [{ workflowId: second.workflowId, history }]
  expect(await replay(sampleWorkflowsPath, histories)).toEqual({})
})

test('AT-P4 the first day of a backfill starts after a failed day, the others have a past', async () => {
  const { client, taskQueue } = sample.temporal
  const start = { dagId: 'sample_past', taskQueue }
  for (const date of ['2025-10-01', '2025-10-03']) sample.broken.add(`${date} load`)
  await expect(
    (await startRun(client, { ...start, date: '2025-10-01', trigger: 'schedule' })).result(),
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
