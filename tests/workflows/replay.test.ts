import { join } from 'node:path'
import type { HistoryAndWorkflowId } from '@temporalio/client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { defaultWorkflowsPath } from '../../worker/create-worker.ts'
import { recordedHistories, replay } from './replay-histories.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

const changedWorkflowsPath = join(import.meta.dirname, 'changed-dags', 'index.ts')

let sample: SampleWorker
const histories: HistoryAndWorkflowId[] = []

beforeAll(async () => {
  sample = await startSampleWorker()
  const { client, taskQueue } = sample.temporal
  const date = '2025-12-01'
  const dagIds = [
    'sample_chain',
    'sample_branch',
    'sample_failing',
    'sample_cleanup',
    'sample_retry',
  ]
  for (const dagId of dagIds) await endOf(await startRun(client, { dagId, date, taskQueue }))
  const cancelled = await startRun(client, { dagId: 'sample_gate', date, taskQueue })
  await vi.waitUntil(() => sample.gates.has(date))
  await cancelled.cancel()
  await endOf(cancelled)
  const days = { dagId: 'sample_chain', from: '2025-11-01', to: '2025-11-03', taskQueue }
  const backfill = await startBackfill(client, days)
  await endOf(backfill)
  const door = await client.workflow.start('sample_chain', { workflowId: 'a door', taskQueue })
  await endOf(door)
  const ids = [...dagIds.map((dagId) => `${dagId}/${date}`), cancelled.workflowId]
  for (const workflowId of [...ids, backfill.workflowId, door.workflowId]) {
    const history = await client.workflow.getHandle(workflowId).fetchHistory()
    histories.push({ workflowId, history })
  }
})
afterAll(() => sample.stop())

async function endOf(handle: { result(): Promise<unknown> }): Promise<void> {
  await handle.result().catch(() => undefined)
}

test('histories of every kind of end fit the code that made them', async () => {
  expect(histories).toHaveLength(8)
  expect(await replay(sampleWorkflowsPath, histories)).toEqual({})
})

test('a run in flight or recorded is not disturbed by a changed DAG: its graph is data', async () => {
  const runs = histories.filter(({ workflowId }) => workflowId.startsWith('sample_chain/'))
  expect(runs).toHaveLength(1)
  expect(await replay(changedWorkflowsPath, runs)).toEqual({})
})

test('a run loop that would give other commands is found', async () => {
  const runs = histories.filter(({ workflowId }) => workflowId.startsWith('sample_branch/'))
  const errors = await replay(changedWorkflowsPath, runs)
  expect(errors['sample_branch/2025-12-01']).toMatch(/[Nn]ondeterminism/)
})

// Recorded once on real input; kept so that every later version is held to them.
test('the recorded histories of the DAGs fit the code of today', async () => {
  const recorded = recordedHistories('dags')
  const errors = await replay(
    defaultWorkflowsPath,
    recorded.map((one) => one.recorded),
  )
  expect(errors).toEqual({})
})
