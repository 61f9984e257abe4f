import type { WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TaskStates } from '../../dag/task-state.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

function start(dagId: string, date: string, params?: unknown) {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue, params })
}

async function runRow(runKey: string) {
  const { rows } = await sample.database.db.query(
    'select * from audit.pipeline_runs where run_key = $1 order by started_at desc limit 1',
    [runKey],
  )
  return rows[0]
}

async function failureOf(result: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await result.then(
    () => expect.fail('it did not fail'),
    (caught: WorkflowFailedError) => caught,
  )
  expect(error.cause).toBeInstanceOf(ApplicationFailure)
  return error.cause as ApplicationFailure
}

describe('a run that succeeds', () => {
  test('passes outputs between tasks and reports every state', async () => {
    const handle = await start('sample_chain', '2025-12-13')
    await expect(handle.result()).resolves.toEqual({
      runKey: 'sample_chain/2025-12-13',
      dagId: 'sample_chain',
      date: '2025-12-13',
      state: 'success',
      summary: 'success',
      tasks: { first: 'success', second: 'success', third: 'success' },
      failedTasks: [],
    })
    const { rows } = await sample.database.db.query(
      `select task_id, attempt, state, rows_in, rows_out, rows_rejected, bytes, error, worker <> '' as has_worker
       from audit.task_runs where run_key = 'sample_chain/2025-12-13' order by started_at`,
    )
    const same = { attempt: 1, state: 'success', bytes: 10, error: null, has_worker: true }
    expect(rows).toEqual([
      { task_id: 'first', rows_in: 0, rows_out: 1, rows_rejected: null, ...same },
      { task_id: 'second', rows_in: 1, rows_out: 2, rows_rejected: null, ...same },
      { task_id: 'third', rows_in: 2, rows_out: 3, rows_rejected: null, ...same },
    ])
  })

  test('leaves an audit row with its graph, states and trigger', async () => {
    const row = await runRow('sample_chain/2025-12-13')
    expect(row).toMatchObject({
      dag_id: 'sample_chain',
      logical_date: '2025-12-13',
      trigger: 'cli',
      state: 'success',
      failed_tasks: [],
      error: null,
    })
    expect(row.graph.tasks.map((task: { id: string }) => task.id)).toEqual([
      'first',
      'second',
      'third',
    ])
    expect(row.task_states.third).toEqual({ state: 'success', reason: 'it ran and succeeded' })
    expect(Number(row.seconds)).toBeGreaterThan(0)
  })

  test('carries its DAG, date, state and trigger where Temporal shows them', async () => {
    const { client } = sample.temporal
    const description = await client.workflow.getHandle('sample_chain/2025-12-13').describe()
    expect(description.searchAttributes).toMatchObject({
      DaybookDag: ['sample_chain'],
      DaybookDate: ['2025-12-13'],
      DaybookState: ['success'],
      DaybookTrigger: ['cli'],
    })
    expect(description.memo).toMatchObject({ daybook: { date: '2025-12-13', state: 'success' } })
  })

  test('takes params with defaults, and refuses those that do not fit', async () => {
    await (await start('sample_params', '2025-12-01', { name: 'Ada' })).result()
    const failure = await failureOf(
      (await start('sample_params', '2025-12-02', { times: 4 })).result(),
    )
    expect(failure.type).toBe('BadInput')
    expect(failure.message).toMatch(/params do not fit: times: Too big/)
  })
})

describe('a branch', () => {
  test.each([
    ['2025-12-01', { left: 'success', right: 'skipped', join: 'success', strict_join: 'skipped' }],
    ['2025-12-02', { left: 'skipped', right: 'success', join: 'success', strict_join: 'skipped' }],
    ['2025-12-03', { left: 'success', right: 'success', join: 'success', strict_join: 'success' }],
    ['2025-12-04', { left: 'skipped', right: 'skipped', join: 'success', strict_join: 'skipped' }],
  ])('on %s is followed', async (date, expected) => {
    const { tasks } = await (await start('sample_branch', date)).result()
    expect(tasks).toEqual({ choose: 'success', ...expected })
  })

  test('a join gets nothing from the side that was skipped', async () => {
    const { rows } = await sample.database.db.query(
      `select run_key, rows_in from audit.task_runs where task_id = 'join' order by run_key limit 2`,
    )
    expect(rows).toEqual([
      { run_key: 'sample_branch/2025-12-01', rows_in: 1 },
      { run_key: 'sample_branch/2025-12-02', rows_in: 0 },
    ])
  })
})

describe('a run that fails', () => {
  test('ends as a failed workflow that names the failed task and its cause', async () => {
    const failure = await failureOf((await start('sample_failing', '2025-12-13')).result())
    expect(failure).toMatchObject({ type: 'DagRunFailed', nonRetryable: true })
    expect(failure.message).toBe(
      'sample_failing/2025-12-13 failed: bad failed (ChecksFailed: 99 orders, at least 100 ' +
        'expected); so report did not run',
    )
    expect(failure.details?.[0]).toMatchObject({
      state: 'failed',
      failedTasks: ['bad'],
      tasks: { good: 'success', bad: 'failed', report: 'upstream_failed' },
    })
  })

  test('is not tried again where trying cannot help, and is told of before it closes', async () => {
    expect(sample.calls.filter((call) => call.startsWith('2025-12-13 bad'))).toHaveLength(1)
    expect(sample.failures).toEqual([
      {
        dagId: 'sample_failing',
        date: '2025-12-13',
        runKey: 'sample_failing/2025-12-13',
        failedTasks: ['bad'],
        lastFailedTask: 'bad',
        reason: expect.stringContaining('bad failed (ChecksFailed'),
      },
    ])
    const row = await runRow('sample_failing/2025-12-13')
    expect(row).toMatchObject({ state: 'failed', failed_tasks: ['bad'] })
    expect(row.task_states.report).toEqual({
      state: 'upstream_failed',
      reason: 'all_success: good success, bad failed',
      because: ['bad'],
    })
  })

  test('keeps its own cause when telling of it fails', async () => {
    const failure = await failureOf((await start('sample_exhausted', '2025-12-13')).result())
    expect(failure.message).toContain('flaky failed (attempt 2 fails)')
    const row = await runRow('sample_exhausted/2025-12-13')
    expect(row.error).toContain('telling of it failed too: the mail server is on fire')
    const { rows } = await sample.database.db.query(
      `select attempt, state, error from audit.task_runs
       where run_key = 'sample_exhausted/2025-12-13' and task_id = 'flaky' order by attempt`,
    )
    expect(rows).toEqual([
      { attempt: 1, state: 'failed', error: 'attempt 1 fails' },
      { attempt: 2, state: 'failed', error: 'attempt 2 fails' },
    ])
  })

  test('a failed task behind which a leaf succeeds is named in the successful result', async () => {
    const result = await (await start('sample_cleanup', '2025-12-13')).result()
    expect(result).toMatchObject({
      state: 'success',
      summary: 'success with failed tasks: bad',
      failedTasks: ['bad'],
    })
    expect(await runRow('sample_cleanup/2025-12-13')).toMatchObject({
      state: 'success',
      error: 'success with failed tasks: bad',
    })
  })
})

test('a task is tried again after its delay until it succeeds', async () => {
  await (await start('sample_retry', '2025-12-13')).result()
  expect(
    sample.calls.filter((call) => call.includes('flaky') && call.startsWith('2025-12-13')),
  ).toEqual(
    expect.arrayContaining(['2025-12-13 flaky 1', '2025-12-13 flaky 2', '2025-12-13 flaky 3']),
  )
})

describe('a run that is going on', () => {
  test('answers which tasks are in which state, and why one is not running', async () => {
    const handle = await start('sample_gate', '2025-12-13')
    await vi.waitUntil(() => sample.gates.has('2025-12-13'))
    const states = await handle.query<TaskStates>('state')
    expect(states['gate']?.state).toBe('running')
    await expect(handle.query('why', 'after_gate')).resolves.toBe(
      'after_gate waits (all_success: gate running)',
    )
    await expect(handle.query('why', 'no_task')).resolves.toContain('has no task no_task')
    sample.gates.get('2025-12-13')?.()
    await handle.result()
    await expect(handle.query('why', 'after_gate')).resolves.toBe(
      'after_gate is success (it ran and succeeded)',
    )
  })

  test('stops its running task when it is cancelled, and says so', async () => {
    const handle = await start('sample_gate', '2025-12-14')
    await vi.waitUntil(() => sample.gates.has('2025-12-14'))
    await handle.cancel()
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } })
    const row = await runRow('sample_gate/2025-12-14')
    expect(row).toMatchObject({ state: 'cancelled' })
    expect(row.task_states.gate.state).toBe('cancelled')
    expect(row.task_states.after_gate.state).toBe('cancelled')
    const { rows } = await sample.database.db.query(
      `select state from audit.task_runs where run_key = 'sample_gate/2025-12-14'`,
    )
    expect(rows).toEqual([{ state: 'cancelled' }])
  })

  test('once terminated, its row is closed by the next run of the day', async () => {
    const handle = await start('sample_gate', '2025-12-15')
    await vi.waitUntil(() => sample.gates.has('2025-12-15'))
    await handle.terminate()
    sample.gates.delete('2025-12-15')
    const again = await start('sample_gate', '2025-12-15')
    await vi.waitUntil(() => sample.gates.has('2025-12-15'))
    sample.gates.get('2025-12-15')?.()
    await again.result()
    const { rows } = await sample.database.db.query(
      `select state from audit.pipeline_runs where run_key = 'sample_gate/2025-12-15'
       order by started_at`,
    )
    expect(rows).toEqual([{ state: 'cancelled' }, { state: 'success' }])
  })
})
