import { join } from 'node:path'
import type { HistoryAndWorkflowId } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { defaultWorkflowsPath } from '../../worker/create-worker.ts'
import { isRecording, recordedHistories, recordHistory, replay } from './replay-histories.ts'
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
    const name = workflowId.replaceAll(/[^a-z0-9_-]+/g, '-')
    if (isRecording) await recordHistory(client, workflowId, { folder: 'sample', name })
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
  for (const source of [histories, recordedHistories('sample')]) {
    const runs = source.filter(({ workflowId }) => workflowId.startsWith('sample_branch/'))
    const errors = await replay(changedWorkflowsPath, runs)
    expect(errors['sample_branch/2025-12-01']).toMatch(/[Nn]ondeterminism/)
  }
})

describe('histories that were recorded once fit the code of today', () => {
  test.each([
    ['sample', sampleWorkflowsPath],
    // Runs from when a task held its slots from its start to its end, and a mapped one for all its instances.
    ['limits', sampleWorkflowsPath],
    // Clears of single instances, two of a few items and one of 2,500 in pages.
    ['maps', sampleWorkflowsPath],
    ['dags', defaultWorkflowsPath],
  ])('%s', async (folder, workflowsPath) => {
    expect(await replay(workflowsPath, recordedHistories(folder))).toEqual({})
  })

  test('one of each kind is there', () => {
    expect(recordedHistories('sample')).toHaveLength(10)
  })
})
