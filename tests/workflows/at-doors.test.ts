import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { lastCompleteDate } from '../../dag/calendar.ts'
import { applySchedules } from '../../schedules/apply-schedules.ts'
import { scheduleOf } from '../../schedules/schedules.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { sampleBranch, sampleChain, sampleGate } from './sample-dags/sample-dags.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
  const { client, taskQueue } = sample.temporal
  const schedules = [sampleBranch, sampleChain, sampleGate].flatMap(scheduleOf)
  await applySchedules(client, { temporal: { taskQueue } }, schedules)
})
afterAll(() => sample.stop())

const soon = { timeout: 30_000, interval: 100 }
const yesterday = lastCompleteDate(Date.now(), 'UTC')

async function runsOf(dagId: string) {
  const { rows } = await sample.database.db.query<{ date: string; trigger: string; id: string }>(
    `select logical_date as date, trigger, run_id as id from audit.pipeline_runs
     where dag_id = $1 and state = 'success' order by started_at, logical_date`,
    [dagId],
  )
  return rows
}

/** Whether an execution has come to the run that it leads to. */
async function follows(handle: WorkflowHandle): Promise<boolean> {
  const { pendingActivities, pendingChildren } = (await handle.describe()).raw
  return (pendingActivities ?? []).length + (pendingChildren ?? []).length > 0
}

test('AT-E1 one date through every door at once: one effect, one line in the ledger', async () => {
  const { client, taskQueue } = sample.temporal
  const byType = (...args: unknown[]) =>
    client.workflow.start('sample_gate', { workflowId: randomUUID(), taskQueue, args })
  const schedule = client.schedule.getHandle('sample_gate')
  const day = { dagId: 'sample_gate', taskQueue }
  const [backfill, canonical, ...doors] = await Promise.all([
    startBackfill(client, { ...day, from: yesterday, to: yesterday }),
    startRun(client, { ...day, date: yesterday }),
    ...[byType(), byType(null), byType(yesterday), byType({ date: yesterday })],
    schedule.trigger().then(() => undefined),
  ])
  await vi.waitUntil(async () => (await schedule.describe()).info.recentActions.length > 0, soon)
  const [action] = (await schedule.describe()).info.recentActions
  const ticked = client.workflow.getHandle(action?.action.workflow.workflowId ?? '')
  const started = [...doors.filter((door) => door !== undefined), ticked]
  expect(started).toHaveLength(5)
  const haveCome = async () => (await Promise.all(started.map(follows))).every(Boolean)
  await vi.waitUntil(() => sample.gates.has(yesterday), soon)
  await vi.waitUntil(haveCome, soon)
  sample.gates.get(yesterday)?.()
  const results = await Promise.all([canonical, ...started].map((handle) => handle.result()))
  expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1)
  await backfill.result()
  expect(await runsOf('sample_gate')).toHaveLength(1)
  expect(sample.calls.filter((call) => call.startsWith(`${yesterday} gate`))).toHaveLength(1)
})

describe('what a schedule does', () => {
  test('AT-Z1 a date that was run by hand does not block its start by the schedule, under the same id', async () => {
    const { client, taskQueue } = sample.temporal
    const byHand = await startRun(client, { dagId: 'sample_chain', date: yesterday, taskQueue })
    await byHand.result()
    await client.schedule.getHandle('sample_chain').trigger()
    await vi.waitUntil(async () => (await runsOf('sample_chain')).length === 2, soon)
    const [first, second] = await runsOf('sample_chain')
    expect([first?.trigger, second?.trigger]).toEqual(['cli', 'schedule'])
    const latest = await client.workflow.getHandle(`sample_chain/${yesterday}`).describe()
    expect(latest.runId).toBe(second?.id)
  })

  test('AT-Z3 a backfill includes both ends of its range, also while the schedule is paused', async () => {
    const handle = sample.temporal.client.schedule.getHandle('sample_branch')
    await handle.pause('stock taking')
    const [start, end] = [new Date('2025-10-02T02:00:00Z'), new Date('2025-10-04T02:00:00Z')]
    await handle.backfill([{ start, end, overlap: 'BUFFER_ALL' }])
    const dates = async () => (await runsOf('sample_branch')).map(({ date }) => date)
    await vi.waitUntil(async () => (await dates()).length === 3, soon)
    expect(await dates()).toEqual(['2025-10-01', '2025-10-02', '2025-10-03'])
  })
})
