import type { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { TaskStates } from '../../dag/task-state.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import { replay } from './replay-histories.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

function start(date: string, count: number): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId: 'sample_mapped', date, taskQueue, params: { count } })
}

async function outputOf(runKey: string, taskId: string): Promise<unknown> {
  const { rows } = await sample.database.db.query(
    'select outputs -> $2 as output from audit.pipeline_runs where run_key = $1',
    [runKey, taskId],
  )
  return rows[0]?.output
}

test('an instance runs for each item, and the outputs come in their order', async () => {
  const handle = await start('2025-12-01', 5)
  const { tasks } = await handle.result()
  expect(tasks).toMatchObject({ each: 'success', sum: 'success', any: 'success', alarm: 'skipped' })
  expect(await outputOf(handle.workflowId, 'each')).toEqual([0, 10, 20, 30, 40])
  expect(await outputOf(handle.workflowId, 'sum')).toBe(100)
  const { rows } = await sample.database.db.query(
    `select task_id, attempt, state from audit.task_runs
     where run_key = $1 and task_id like 'each%' order by task_id`,
    [handle.workflowId],
  )
  const row = (no: number) => ({ task_id: `each[${no}]`, attempt: 1, state: 'success' })
  expect(rows).toEqual([0, 1, 2, 3, 4].map(row))
})

test('failed instances fail the task, are named, and count one by one for what comes after', async () => {
  const date = '2025-12-02'
  sample.broken.add(`${date} items`)
  const handle = await start(date, 4)
  const message = await handle.result().then(
    () => expect.fail('it did not fail'),
    (error: WorkflowFailedError) => error.cause?.message,
  )
  expect(message).toContain('each failed (1 of 4 instances failed: [1] BadItem: item 1 is bad)')
  const states = await handle.query<TaskStates>('state')
  expect(states).toMatchObject({
    each: { state: 'failed', instances: { success: 3, failed: 1, skipped: 0, unfinished: 0 } },
    sum: { state: 'upstream_failed' },
    any: { state: 'success' },
    alarm: { state: 'success' },
  })
  expect(await outputOf(handle.workflowId, 'each')).toEqual([0, null, 20, 30])
})

test('an empty list skips the task', async () => {
  const { tasks } = await (await start('2025-12-03', 0)).result()
  expect(tasks).toMatchObject({ each: 'skipped', sum: 'skipped', any: 'skipped' })
})

test('a long list runs in pages of bounded histories, also when the worker is replaced', async () => {
  const date = '2025-12-04'
  const handle = await start(date, 1_234)
  const instances = () => sample.mapped.filter((one) => one.startsWith(`${date} each`))
  await vi.waitUntil(() => instances().length > 100, { timeout: 60_000 })
  await sample.restart()
  const { tasks } = await handle.result()
  expect(tasks).toMatchObject({ each: 'success', sum: 'success' })
  expect(await outputOf(handle.workflowId, 'sum')).toBe((10 * 1_233 * 1_234) / 2)
  const { rows } = await sample.database.db.query(
    `select count(distinct task_id)::int as instances from audit.task_runs
     where run_key = $1 and task_id like 'each%' and state = 'success'`,
    [handle.workflowId],
  )
  expect(rows).toEqual([{ instances: 1_234 }])
  const ids = [0, 1, 2].map((page) => `${handle.workflowId}/each/${page}`)
  const histories = await Promise.all(
    [handle.workflowId, ...ids].map(async (workflowId) => ({
      workflowId,
      history: await sample.temporal.client.workflow.getHandle(workflowId).fetchHistory(),
    })),
  )
  for (const { history } of histories) expect(history.events?.length).toBeLessThan(4_096)
  expect(await replay(sampleWorkflowsPath, histories)).toEqual({})
})
