import type { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { clearUpdate, markUpdate } from '../../dag/run-loop/interventions.ts'
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

const soon = { timeout: 40_000, interval: 20 }

function start(dagId: string, date: string): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue })
}

const isHeld = (date: string) => vi.waitUntil(() => sample.gates.has(date), soon)

async function messageOf(run: RunHandle): Promise<string> {
  return run.result().then(
    () => expect.fail('it did not fail'),
    (error: WorkflowFailedError) => error.cause?.message ?? '',
  )
}

async function rowsOf(runKey: string) {
  const { rows } = await sample.database.db.query<{ trigger: string; state: string }>(
    'select trigger, state from audit.pipeline_runs where run_key = $1 order by started_at',
    [runKey],
  )
  return rows
}

/** The activity that waits for a run which another execution started. */
async function joining(run: RunHandle): Promise<string | undefined> {
  const { raw } = await run.describe()
  return raw.pendingActivities?.[0]?.activityId ?? undefined
}

const why = (run: RunHandle) => run.query<string, [string]>('why', 'call')
const waiting = 'call is running (until the run sample_gate/DATE ends)'

async function isWaiting(run: RunHandle, date: string): Promise<void> {
  await vi.waitUntil(async () => (await why(run)) === waiting.replace('DATE', date), soon)
}

async function replayOf({ workflowId }: RunHandle) {
  const history = await sample.temporal.client.workflow.getHandle(workflowId).fetchHistory()
  return replay(sampleWorkflowsPath, [{ workflowId, history }])
}

describe('a run of another DAG as a task', () => {
  test('starts that run for its own date, survives a new worker, and hands on how it ended', async () => {
    const date = '2025-12-01'
    const run = await start('sample_caller', date)
    await isHeld(date)
    await isWaiting(run, date)
    sample.gates.delete(date)
    await sample.restart()
    await isHeld(date)
    sample.gates.get(date)?.()
    expect((await run.result()).tasks).toEqual({ call: 'success', after_call: 'success' })
    expect(await rowsOf(`sample_gate/${date}`)).toEqual([{ trigger: 'run_dag', state: 'success' }])
    const history = await sample.temporal.client.workflow.getHandle(run.workflowId).fetchHistory()
    const histories = [{ workflowId: run.workflowId, history }]
    expect(await replay(sampleWorkflowsPath, histories)).toEqual({})
  })

  test('joins the run of that date where it goes on', async () => {
    const date = '2025-12-02'
    const other = await start('sample_gate', date)
    await isHeld(date)
    const run = await start('sample_caller', date)
    await isWaiting(run, date)
    sample.gates.get(date)?.()
    await Promise.all([other.result(), run.result()])
    expect(await rowsOf(`sample_gate/${date}`)).toEqual([{ trigger: 'cli', state: 'success' }])
  })

  test('fails as that run fails, in its words', async () => {
    const message = await messageOf(await start('sample_calls_failing', '2025-12-03'))
    expect(message).toContain('call failed')
    expect(message).toContain('sample_failing/2025-12-03 failed: bad failed')
    expect(message).toContain('99 orders, at least 100 expected')
  })

  test('fails where that run is cancelled', async () => {
    const date = '2025-12-04'
    const run = await start('sample_caller', date)
    await isHeld(date)
    await sample.temporal.client.workflow.getHandle(`sample_gate/${date}`).cancel()
    expect(await messageOf(run)).toContain(`sample_gate/${date} was cancelled`)
  })

  test('lets that run go on when its own is cancelled', async () => {
    const date = '2025-12-05'
    const run = await start('sample_caller', date)
    await isHeld(date)
    await isWaiting(run, date)
    await run.cancel()
    await expect(run.result()).rejects.toThrow()
    expect(await rowsOf(`sample_gate/${date}`)).toEqual([{ trigger: 'run_dag', state: 'running' }])
    sample.gates.get(date)?.()
    await sample.temporal.client.workflow.getHandle(`sample_gate/${date}`).result()
    expect(await rowsOf(`sample_gate/${date}`)).toEqual([{ trigger: 'run_dag', state: 'success' }])
  })

  test('is cleared while it waits, and joins the run that goes on, as often as you like', async () => {
    const date = '2025-12-07'
    const run = await start('sample_caller', date)
    await isHeld(date)
    await isWaiting(run, date)
    for (const reason of ['first', 'second']) {
      await run.executeUpdate(clearUpdate, { args: [{ tasks: ['call'], by: 'test', reason }] })
      await isWaiting(run, date)
      await vi.waitUntil(async () => (await joining(run)) === 'join:call', soon)
    }
    sample.gates.get(date)?.()
    expect((await run.result()).tasks).toEqual({ call: 'success', after_call: 'success' })
    expect(await rowsOf(`sample_gate/${date}`)).toEqual([{ trigger: 'run_dag', state: 'success' }])
    expect(await replayOf(run)).toEqual({})
  })

  test('is marked while it waits, cleared later, and cancelled: all of it can be replayed', async () => {
    const [marked, cleared] = ['2025-12-08', '2025-12-09']
    const run = await start('sample_caller', marked)
    await isHeld(marked)
    await isWaiting(run, marked)
    const mark = { tasks: ['call'], state: 'skipped' as const, by: 'test', reason: '' }
    await run.executeUpdate(markUpdate, { args: [mark] })
    await run.result()
    expect(await replayOf(run)).toEqual({})
    sample.gates.get(marked)?.()
    const other = await start('sample_caller', cleared)
    await isHeld(cleared)
    await isWaiting(other, cleared)
    const clear = { tasks: ['call'], by: 'test', reason: '' }
    await other.executeUpdate(clearUpdate, { args: [clear] })
    await vi.waitUntil(async () => (await joining(other)) === 'join:call', soon)
    sample.gates.delete(cleared)
    await sample.restart()
    await isHeld(cleared)
    await other.cancel()
    await expect(other.result()).rejects.toThrow()
    expect(await replayOf(other)).toEqual({})
    sample.gates.get(cleared)?.()
  })

  test('runs a date again that has succeeded, keeps it, or is skipped, as it is told', async () => {
    const { tasks } = await (await start('sample_calls_done', '2025-12-06')).result()
    expect(tasks).toEqual({ again: 'success', kept: 'success', skipped: 'skipped' })
    expect(await rowsOf('sample_params/2025-12-06')).toHaveLength(1)
    await (await start('sample_calls_done', '2025-12-06')).result()
    expect(await rowsOf('sample_params/2025-12-06')).toHaveLength(2)
    const { rows } = await sample.database.db.query(
      `select params from audit.pipeline_runs where run_key = 'sample_params/2025-12-06'`,
    )
    expect(rows[0]).toEqual({ params: { name: 'you', times: 1 } })
  })
})
