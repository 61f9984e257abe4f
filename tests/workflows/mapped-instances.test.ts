import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { clearUpdate } from '../../dag/run-loop/interventions.ts'
import type { TaskStates } from '../../dag/task-state.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import { isRecording, recordHistory, replay } from './replay-histories.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

function start(dagId: string, date: string, count: number): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue, params: { count } })
}

function clear(dagId: string, date: string, tasks: string[]): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue, clear: { by: 'ada', tasks } })
}

async function endOf(handle: RunHandle): Promise<TaskStates> {
  await handle.result().catch(() => undefined)
  return handle.query<TaskStates>('state')
}

/** Runs of which single instances were cleared, and one in pages, are kept for the replay test. */
async function keep({ workflowId }: RunHandle, name: string): Promise<void> {
  if (isRecording) await recordHistory(sample.temporal.client, workflowId, { folder: 'maps', name })
}

async function outputOf(runKey: string, taskId: string): Promise<unknown> {
  const { rows } = await sample.database.db.query(
    `select outputs -> $2 as output from audit.pipeline_runs where run_key = $1
     order by started_at desc limit 1`,
    [runKey, taskId],
  )
  return rows[0]?.output
}

/** Ids of the instances that were asked for since. */
function ranOf(date: string, from = 0): string[] {
  return sample.mapped
    .filter((one) => one.startsWith(date))
    .slice(from)
    .map((one) => one.slice(11))
    .toSorted()
}

const soon = { timeout: 60_000, interval: 20 }

test('AT-G5 a clear of what failed runs the failed instances alone, each under its name', async () => {
  const date = '2025-12-01'
  sample.broken.add(`${date} parts`)
  const states = await endOf(await start('sample_parts', date, 6))
  expect(states['each']?.ends).toMatchObject({ total: 6, failed: '1,4', skipped: '' })
  sample.broken.delete(`${date} parts`)
  const handle = await clear('sample_parts', date, [])
  const { tasks } = await handle.result()
  expect(tasks).toMatchObject({ each: 'success', sum: 'success' })
  expect(ranOf(date, 6)).toEqual(['each[1]', 'each[4]'])
  expect(await outputOf(handle.workflowId, 'each')).toEqual([0, 10, 20, 30, 40, 50])
  const { rows } = await sample.database.db.query(
    `select display_name, array_agg(state order by started_at) as states from audit.task_runs
     where run_key = $1 and task_id = 'each[4]' group by display_name`,
    [handle.workflowId],
  )
  expect(rows).toEqual([{ display_name: 'part 4', states: ['failed', 'success'] }])
  const { events } = await handle.fetchHistory()
  const summaries = (events ?? []).map(({ userMetadata }) =>
    Buffer.from(userMetadata?.summary?.data ?? []).toString(),
  )
  expect(summaries).toContain('"each[4] part 4"')
  await keep(handle, 'cleared-when-ended')
})

test('AT-G5 in a run that goes on single instances are cleared, and the others stay', async () => {
  const date = '2025-12-02'
  sample.broken.add(`${date} parts`)
  const handle = await start('sample_parts_held', date, 5)
  const stateOfEach = async () => (await handle.query<TaskStates>('state'))['each']?.state
  await vi.waitUntil(async () => (await stateOfEach()) === 'failed', soon)
  sample.broken.delete(`${date} parts`)
  const args: [object] = [{ tasks: ['each[1,4]'], by: 'ada' }]
  const cleared = await handle.executeUpdate(clearUpdate, { args })
  expect(cleared).toEqual([{ taskId: 'each', state: 'failed', why: 'chosen', instances: '1,4' }])
  await vi.waitUntil(async () => (await stateOfEach()) === 'success', soon)
  await vi.waitUntil(() => sample.gates.has(date), soon)
  sample.gates.get(date)?.()
  await handle.result()
  await keep(handle, 'cleared-while-going-on')
  expect(ranOf(date, 5)).toEqual(['each[1]', 'each[4]'])
  expect(await outputOf(handle.workflowId, 'each')).toEqual([0, 10, 20, 30, 40])
})

test('AT-G1 a cross product keeps its order when a run goes on from its record', async () => {
  const date = '2025-12-03'
  await (await start('sample_crossed', date, 2)).result()
  const handle = await clear('sample_crossed', date, ['each[2]'])
  await handle.result()
  const { rows } = await sample.database.db.query(
    `select task_id, display_name, count(*)::int as times from audit.task_runs
     where run_key = $1 and task_id like 'each%' group by task_id, display_name order by task_id`,
    [handle.workflowId],
  )
  expect(rows).toEqual([
    { task_id: 'each[0]', display_name: '0 0', times: 1 },
    { task_id: 'each[1]', display_name: '0 1', times: 1 },
    { task_id: 'each[2]', display_name: '1 0', times: 2 },
    { task_id: 'each[3]', display_name: '1 1', times: 1 },
  ])
  expect(await outputOf(handle.workflowId, 'each')).toEqual([0, 10, 0, 10])
})

test('AT-G2 over a list that its producer did not give the task is upstream_failed', async () => {
  const date = '2025-12-04'
  sample.broken.add(`${date} nothing`)
  const states = await endOf(await start('sample_parts', date, 3))
  expect(states['each']).toEqual({
    ...{ state: 'upstream_failed', because: ['parts'] },
    reason: 'the list that it is mapped over is missing: parts gave none',
  })
})

test('AT-G5 all instances run again where what they returned was too large to keep', async () => {
  const date = '2025-12-06'
  const tooLarge = 'OutputTooLarge: the outputs of each together are too large'
  const states = await endOf(await start('sample_wide', date, 11))
  expect(states['join']?.reason).toContain(tooLarge)
  const joined = await endOf(await clear('sample_wide', date, ['join']))
  expect(joined['join']?.reason).toContain(tooLarge)
  await endOf(await clear('sample_wide', date, ['each[3]']))
  expect(ranOf(date, 11)).toHaveLength(11)
  const { rows } = await sample.database.db.query(
    `select detail -> 'cleared' -> 0 ->> 'why' as why from audit.interventions
     where run_key = $1 order by intervention_id desc limit 1`,
    [`sample_wide/${date}`],
  )
  expect(rows[0]?.why).toContain('all instances, since what they returned is not on record or was')
})

test('AT-G3, AT-T5 a long list: rules hear of first ends, histories are bounded, what failed runs again', async () => {
  const date = '2025-12-05'
  const count = 2_500
  sample.broken.add(`${date} parts`).add(`${date} held`)
  const first = await start('sample_parts', date, count)
  await vi.waitUntil(() => sample.gates.has(date), soon)
  const ran = (taskId: string) => sample.calls.includes(`${date} ${taskId} 1`)
  await vi.waitUntil(() => ran('any') && ran('alarm'), soon)
  expect((await first.query<TaskStates>('state'))['each']?.state).toBe('running')
  sample.gates.get(date)?.()
  const before = await endOf(first)
  expect(before['each']?.instances).toMatchObject({ success: 1_667, failed: 833 })
  const histories = await historiesOf(first, 5)
  sample.broken.delete(`${date} parts`)
  sample.broken.delete(`${date} held`)
  const done = ranOf(date).length
  const again = await clear('sample_parts', date, [])
  const { tasks } = await again.result()
  expect(tasks).toMatchObject({ each: 'success', sum: 'success' })
  await keep(again, 'cleared-in-pages')
  expect(ranOf(date, done)).toHaveLength(833)
  expect(await outputOf(again.workflowId, 'sum')).toBe((10 * (count - 1) * count) / 2)
  for (const { history } of histories) expect(history.events?.length).toBeLessThan(4_096)
  histories.push(...(await historiesOf(again, 2)))
  expect(await replay(sampleWorkflowsPath, histories)).toEqual({})
}, 120_000)

async function historiesOf(handle: RunHandle, pages: number) {
  const ids = Array.from({ length: pages }, (_, page) => `${handle.workflowId}/each/${page}`)
  return Promise.all(
    [handle.workflowId, ...ids].map(async (workflowId) => ({
      workflowId,
      history: await sample.temporal.client.workflow.getHandle(workflowId).fetchHistory(),
    })),
  )
}
