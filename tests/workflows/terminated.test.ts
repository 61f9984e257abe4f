import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createRunActivities } from '../../activities/runs.ts'
import { recoverRun } from '../../dag/recover-run.ts'
import { resolveRun } from '../../dag/resolve-run.ts'
import { decideUpdate } from '../../dag/run-loop/interventions.ts'
import type { TaskStates } from '../../dag/task-state.ts'
import { readEndedRun } from '../../platform/ended-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import { resetRun } from '../support/reset-run.ts'
import { sampleCut } from './sample-dags/shape-dags.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

const soon = { timeout: 20_000, interval: 20 }

function start(dagId: string, date: string, clear?: { by: string }) {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue, ...(clear && { clear }) })
}

async function recovered(runKey: string) {
  const ended = await readEndedRun(sample.database.db, runKey)
  if (ended === undefined) throw new Error(`${runKey} has no run`)
  return recoverRun(ended)
}

describe('a run that was terminated', () => {
  test('still has what a person decided', async () => {
    const date = '2025-12-01'
    const run = await start('sample_tis', date)
    const decide = () =>
      run.executeUpdate(decideUpdate, {
        args: [{ task: 'sign', decision: 'reject', by: 'ada' }],
      })
    await vi.waitUntil(
      () =>
        decide().then(
          () => true,
          () => false,
        ),
      soon,
    )
    await run.terminate()
    const { states } = await recovered(`sample_tis/${date}`)
    expect(states).toMatchObject({ sign: { state: 'success', isShut: true } })
  })

  test('still has a task that skipped itself as skipped', async () => {
    const date = '2025-12-02'
    const run = await start('sample_past_skip', date)
    const stateOf = async () => (await run.query<TaskStates>('state'))['maybe']?.state
    await expect.poll(stateOf, soon).toBe('skipped')
    await run.terminate()
    const { states } = await recovered(`sample_past_skip/${date}`)
    expect(states['maybe']).toEqual({ state: 'skipped', reason: `nothing to do on ${date}` })
  })

  test('does not ask for the run of another DAG again when what follows has begun', async () => {
    const date = '2025-12-03'
    const run = await start('sample_calls_gate', date)
    await vi.waitUntil(() => sample.gates.has(date), soon)
    await run.terminate()
    const { states, unknownOutputs } = await recovered(`sample_calls_gate/${date}`)
    expect(states).toMatchObject({ call: { state: 'success' }, gate: { state: 'cancelled' } })
    expect(unknownOutputs).toEqual(['call'])
  })
})

test('a repair of a terminated repair is planned alike when its start is repeated', async () => {
  const date = '2025-12-04'
  const runKey = `sample_cut/${date}`
  const first = await start('sample_cut', date)
  await vi.waitUntil(() => sample.gates.has(date), soon)
  await first.terminate()
  sample.gates.delete(date)
  const repair = await start('sample_cut', date, { by: 'ada' })
  await vi.waitUntil(() => sample.gates.has(date), soon)
  await repair.terminate()
  const { db } = sample.database
  const deps = { database: db, client: sample.temporal.client, hasSearchAttributes: false }
  const again = {
    ...{ dagId: 'sample_cut', runId: randomUUID(), startedMs: Date.now(), graph: sampleCut.graph },
    ...{ maxActiveRuns: 16, latestUntilMs: null, dueMs: null },
    resolved: resolveRun(sampleCut, {
      ...{ workflowId: runKey, inputs: [{ clear: { by: 'ada' } }], trigger: 'cli' },
      ...{ scheduledMs: undefined, nowMs: Date.now() },
    }),
  }
  const { startRun: startAgain } = createRunActivities(deps)
  const planned = await startAgain(again)
  expect(planned).toMatchObject({
    repairs: { states: { load: { state: 'none' }, log: { state: 'success' } } },
  })
  expect(await startAgain(again)).toEqual(planned)
})

describe('the end of a run that wrote none', () => {
  const lookAgain = async () => {
    const { client, taskQueue } = sample.temporal
    const workflowId = `catch_up-${randomUUID()}`
    await client.workflow.execute('catch_up', { workflowId, taskQueue })
  }
  const rowsOf = async (runKey: string) => {
    const { rows } = await sample.database.db.query<Record<string, unknown>>(
      `select run.state, run.ended_at is not null as has_ended, run.error, task.task_id,
         task.state as task_state
       from audit.pipeline_runs as run
       left join audit.task_runs as task on task.run_id = run.run_id and task.task_id = 'gate'
       where run.run_key = $1 order by run.started_at`,
      [runKey],
    )
    return rows
  }

  test('is written for a run that was terminated, and it can be cleared', async () => {
    const date = '2025-12-05'
    const runKey = `sample_cut/${date}`
    const run = await start('sample_cut', date)
    await vi.waitUntil(() => sample.gates.has(date), soon)
    await lookAgain()
    expect(await rowsOf(runKey)).toMatchObject([{ state: 'running', has_ended: false }])
    await run.terminate()
    await lookAgain()
    const error = 'ended without a word: terminated or reset'
    expect(await rowsOf(runKey)).toMatchObject([
      { state: 'cancelled', has_ended: true, error, task_id: 'gate', task_state: 'cancelled' },
    ])
    sample.gates.delete(date)
    const repair = await start('sample_cut', date, { by: 'ada' })
    await vi.waitUntil(() => sample.gates.has(date), soon)
    sample.gates.get(date)?.()
    await expect(repair.result()).resolves.toMatchObject({ state: 'success' })
  })

  test('is not written for a run that goes on after a reset, nor for one that this server does not know', async () => {
    const date = '2025-12-06'
    const runKey = `sample_cut/${date}`
    await start('sample_cut', date)
    await vi.waitUntil(() => sample.gates.has(date), soon)
    await resetRun(sample.temporal, runKey, 'last')
    const elsewhere = `sample_cut/2025-12-07`
    await sample.database.db.query(
      `insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state, graph)
       values (gen_random_uuid(), $1, 'sample_cut', '2025-12-07', 'cli', 'running', '{}')`,
      [elsewhere],
    )
    await lookAgain()
    expect(await rowsOf(runKey)).toMatchObject([{ state: 'running', has_ended: false }])
    expect(await rowsOf(elsewhere)).toMatchObject([{ state: 'running', has_ended: false }])
  })
})
