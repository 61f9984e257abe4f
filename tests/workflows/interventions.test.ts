import type { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  clearUpdate,
  markUpdate,
  pauseUpdate,
  resumeUpdate,
} from '../../dag/run-loop/interventions.ts'
import type { TaskStates } from '../../dag/task-state.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

function start(dagId: string, date: string): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue })
}

function clearEnded(dagId: string, date: string, clear: object): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue, clear: { by: 'ada', ...clear } })
}

const messageOf = (handle: RunHandle): Promise<string> =>
  handle.result().then(
    () => expect.fail('it did not fail'),
    (error: WorkflowFailedError) => error.cause?.message ?? '',
  )

const soon = { timeout: 20_000, interval: 20 }

async function isHeld(date: string): Promise<void> {
  await vi.waitUntil(() => sample.gates.has(date), soon)
}

function callsOf(date: string): string[] {
  return sample.calls.filter((call) => call.startsWith(date)).map((call) => call.slice(11))
}

async function interventionsOf(runKey: string) {
  const { rows } = await sample.database.db.query(
    `select action, made_by, reason from audit.interventions where run_key = $1
     order by intervention_id`,
    [runKey],
  )
  return rows
}

describe('a run that has ended', () => {
  test('runs again what failed and what comes after it, with the outputs of the rest', async () => {
    const date = '2025-12-01'
    sample.broken.add(`${date} sum`)
    expect(await messageOf(await start('sample_repair', date))).toContain('sum failed')
    sample.broken.delete(`${date} sum`)
    const again = await clearEnded('sample_repair', date, { reason: 'mended' })
    const { tasks } = await again.result()
    expect(tasks).toEqual({ load: 'success', sum: 'success', report: 'success', log: 'success' })
    expect(callsOf(date).toSorted()).toEqual(['load 1', 'log 1', 'report 1', 'sum 1', 'sum 1'])
    const { rows } = await sample.database.db.query(
      `select state, outputs, cleared_from is null as is_first from audit.pipeline_runs
       where run_key = $1 order by started_at`,
      [`sample_repair/${date}`],
    )
    expect(rows).toMatchObject([
      { state: 'failed', is_first: true },
      { state: 'success', is_first: false, outputs: { sum: { rowsOut: 2 } } },
    ])
    const made = { action: 'clear', made_by: 'ada', reason: 'mended' }
    expect(await interventionsOf(`sample_repair/${date}`)).toEqual([made])
  })

  test('runs one task alone, when asked for', async () => {
    const date = '2025-12-02'
    await (await start('sample_repair', date)).result()
    const again = await clearEnded('sample_repair', date, { tasks: ['load'], downstream: false })
    await again.result()
    expect(callsOf(date).slice(4)).toEqual(['load 1'])
  })

  test.each([
    ['no such task', { tasks: ['nothing'] }, /has no task nothing; it has load, sum, report, log/],
    ['nothing failed', {}, /there is nothing to clear/],
  ])('is left alone: %s', async (_, clear, words) => {
    const date = '2025-12-03'
    await (await start('sample_repair', date)).result()
    const refused = await clearEnded('sample_repair', date, clear)
    expect(await messageOf(refused)).toMatch(words)
    const { rows } = await sample.database.db.query(
      `select count(*)::int as rows from audit.pipeline_runs
       where run_key = $1 and state <> 'success'`,
      [`sample_repair/${date}`],
    )
    expect(rows).toEqual([{ rows: 0 }])
  })

  test('that never was cannot be cleared', async () => {
    const refused = await clearEnded('sample_repair', '2025-11-30', {})
    expect(await messageOf(refused)).toContain('it has no run that has ended')
  })
})

describe('a run that goes on', () => {
  test('restarts a running task that is cleared, and counts its attempts on', async () => {
    const date = '2025-12-04'
    const handle = await start('sample_gate', date)
    await isHeld(date)
    sample.gates.delete(date)
    const cleared = await handle.executeUpdate(clearUpdate, {
      args: [{ tasks: ['gate'], by: 'ada' }],
    })
    expect(cleared).toEqual([{ taskId: 'gate', state: 'running', why: 'chosen' }])
    await isHeld(date)
    sample.gates.get(date)?.()
    const { tasks } = await handle.result()
    expect(tasks).toEqual({ gate: 'success', after_gate: 'success' })
    const { rows } = await sample.database.db.query(
      `select attempt, state, cleared from audit.task_runs
       where run_key = $1 and task_id = 'gate' order by attempt`,
      [`sample_gate/${date}`],
    )
    expect(rows).toEqual([
      { attempt: 1, state: 'cancelled', cleared: 0 },
      { attempt: 2, state: 'success', cleared: 1 },
    ])
    // What it writes is fenced by the number that the audit has.
    expect(sample.held.slice(-2)).toEqual([1, 2])
  })

  test('stops a task that is marked, and goes on behind it', async () => {
    const date = '2025-12-05'
    const handle = await start('sample_gate', date)
    await isHeld(date)
    await handle.executeUpdate(markUpdate, {
      args: [{ tasks: ['gate'], state: 'success', by: 'ada', reason: 'done by hand' }],
    })
    const { tasks } = await handle.result()
    expect(tasks).toEqual({ gate: 'success', after_gate: 'success' })
    const states = await handle.query<TaskStates>('state')
    expect(states['gate']?.reason).toBe('marked by ada: done by hand')
  })

  test('starts nothing while it is paused, and says so', async () => {
    const date = '2025-12-06'
    const handle = await start('sample_gate', date)
    await isHeld(date)
    await handle.executeUpdate(pauseUpdate, { args: [{ by: 'ada' }] })
    sample.gates.get(date)?.()
    const why = () => handle.query<string, [string]>('why', 'after_gate')
    await vi.waitUntil(async () => (await why()).includes('the run is paused'), soon)
    expect(callsOf(date)).toEqual(['gate 1'])
    await handle.executeUpdate(resumeUpdate, { args: [{ by: 'bob', reason: 'all clear' }] })
    await handle.result()
    expect(await interventionsOf(`sample_gate/${date}`)).toEqual([
      { action: 'pause', made_by: 'ada', reason: '' },
      { action: 'resume', made_by: 'bob', reason: 'all clear' },
    ])
  })

  test('refuses what makes no sense, and says why', async () => {
    const date = '2025-12-07'
    const handle = await start('sample_gate', date)
    const clear = (input: { tasks: string[]; by: string }) =>
      handle.executeUpdate(clearUpdate, { args: [input] })
    await expect(clear({ tasks: ['nothing'], by: 'ada' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('sample_gate has no task nothing') },
    })
    await expect(clear({ tasks: ['gate'], by: '' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('it does not fit: by:') },
    })
    await isHeld(date)
    sample.gates.get(date)?.()
    await handle.result()
    expect(await interventionsOf(`sample_gate/${date}`)).toEqual([])
  })
})
