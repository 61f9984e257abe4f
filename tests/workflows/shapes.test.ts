import type { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addDays, lastCompleteDate } from '../../dag/calendar.ts'
import { decideUpdate } from '../../dag/run-loop/interventions.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

function start(dagId: string, date: string, trigger = 'cli'): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue, trigger })
}

async function messageOf(handle: RunHandle): Promise<string> {
  return handle.result().then(
    () => expect.fail('it did not fail'),
    (error: WorkflowFailedError) => error.cause?.message ?? '',
  )
}

async function statesOf(runKey: string): Promise<Record<string, string>> {
  const { rows } = await sample.database.db.query(
    `select key, value ->> 'state' as state from audit.pipeline_runs, jsonb_each(task_states)
     where run_key = $1 order by started_at`,
    [runKey],
  )
  return Object.fromEntries(rows.map(({ key, state }) => [key, state]))
}

describe('set-up and teardown', () => {
  test('the teardown runs after all between, and a good day is a success', async () => {
    const { tasks } = await (await start('sample_teardown', '2025-12-01')).result()
    expect(Object.values(tasks)).toEqual(['success', 'success', 'success', 'success'])
    const calls = sample.calls.filter((call) => call.startsWith('2025-12-01'))
    expect(calls.at(-1)).toBe('2025-12-01 destroy 1')
  })

  test('the teardown runs after a failure, which still fails the run', async () => {
    sample.broken.add('2025-12-02 work')
    expect(await messageOf(await start('sample_teardown', '2025-12-02'))).toContain('work failed')
    expect(await statesOf('sample_teardown/2025-12-02')).toEqual({
      ...{ create: 'success', work: 'failed', report: 'upstream_failed', destroy: 'success' },
    })
  })

  test('a teardown whose set-up failed does not run', async () => {
    sample.broken.add('2025-12-03 create')
    expect(await messageOf(await start('sample_teardown', '2025-12-03'))).toContain('create failed')
    const states = await statesOf('sample_teardown/2025-12-03')
    expect(states).toMatchObject({ work: 'upstream_failed', destroy: 'upstream_failed' })
  })

  test('the teardown of a run that is cancelled runs', async () => {
    const handle = await start('sample_cancel', '2025-12-04')
    await vi.waitUntil(() => sample.gates.has('2025-12-04'), { timeout: 20_000 })
    await handle.cancel()
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } })
    expect(await statesOf('sample_cancel/2025-12-04')).toEqual({
      ...{ create: 'success', work: 'cancelled', destroy: 'success' },
    })
  })
})

describe('sensor, short circuit, latest only', () => {
  test('a sensor waits without events and hands on what it found', async () => {
    const date = '2025-12-05'
    const handle = await start('sample_shapes', date)
    const looks = () => sample.calls.filter((call) => call.startsWith(`${date} wait_for_file`))
    await vi.waitUntil(() => looks().length >= 3, { timeout: 20_000 })
    sample.arrived.add(date)
    const { tasks } = await handle.result()
    expect(tasks).toEqual({
      ...{ wait_for_file: 'success', is_open: 'success', load: 'success', after_load: 'success' },
      ...{ latest: 'success', mail: 'success', maybe: 'skipped', after_maybe: 'skipped' },
    })
    const { rows } = await sample.database.db.query(
      `select attempt, state, rows_out from audit.task_runs
       where run_key = $1 and task_id in ('wait_for_file', 'load') order by task_id desc`,
      [`sample_shapes/${date}`],
    )
    expect(rows).toEqual([
      { attempt: 1, state: 'success', rows_out: 7 },
      { attempt: 1, state: 'success', rows_out: 8 },
    ])
    const { events } = await handle.fetchHistory()
    const ofSensor = (events ?? []).filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityId === 'wait_for_file',
    )
    expect(ofSensor).toHaveLength(1)
  })

  test('a closed short circuit skips all that comes after, whatever its rule', async () => {
    const date = '2025-12-06'
    sample.arrived.add(date)
    sample.broken.add(date)
    const { tasks } = await (await start('sample_shapes', date, 'backfill')).result().catch(() => ({
      tasks: {},
    }))
    // `mail` is of an old day that a backfill runs: not the latest.
    expect(await statesOf(`sample_shapes/${date}`)).toMatchObject({
      ...{ is_open: 'success', load: 'skipped', after_load: 'skipped' },
      ...{ latest: 'success', mail: 'skipped' },
    })
    expect(Object.keys(tasks)).not.toEqual([])
  })

  test('the newest day of a schedule passes latest only', async () => {
    const newest = lastCompleteDate(Date.now(), 'UTC')
    const older = addDays(newest, -2)
    for (const date of [newest, older]) sample.arrived.add(date)
    const runs = await Promise.all(
      [newest, older].map((date) => start('sample_shapes', date, 'schedule')),
    )
    const results = await Promise.all(runs.map((run) => run.result()))
    expect(results.map(({ tasks }) => tasks['mail'])).toEqual(['success', 'skipped'])
  })

  test('a sensor whose time is up fails, or is skipped if it says so', async () => {
    const message = await messageOf(await start('sample_impatient', '2025-12-07'))
    expect(message).toMatch(/strict failed \(nothing came within 0.3 s/)
    expect(await statesOf('sample_impatient/2025-12-07')).toEqual({
      ...{ strict: 'failed', soft: 'skipped', after_soft: 'skipped' },
    })
  })
})

describe('approval', () => {
  test.each([
    ['approve', 'success'],
    ['reject', 'skipped'],
  ] as const)('%s leaves what comes after %s', async (decision, expected) => {
    const date = decision === 'approve' ? '2025-12-08' : '2025-12-09'
    const handle = await start('sample_approval', date)
    const decide = () =>
      handle.executeUpdate(decideUpdate, {
        args: [{ task: 'sign', decision, by: 'ada', reason: 'checked' }],
      })
    await decide()
    const { tasks } = await handle.result()
    expect(tasks).toEqual({
      ...{ sign: 'success', pay: expected, late: 'skipped', after_late: 'skipped' },
    })
    const { rows } = await sample.database.db.query(
      `select action, made_by, reason, detail from audit.interventions where run_key = $1`,
      [`sample_approval/${date}`],
    )
    const detail = { task: 'sign', decision }
    expect(rows).toEqual([{ action: 'decide', made_by: 'ada', reason: 'checked', detail }])
  })

  test('a decision about a task that waits for none is refused', async () => {
    const handle = await start('sample_approval', '2025-12-10')
    const decide = (task: string) =>
      handle.executeUpdate(decideUpdate, { args: [{ task, decision: 'approve', by: 'ada' }] })
    await expect(decide('pay')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('pay is none') },
    })
    await decide('sign')
    await handle.result()
  })
})

describe('a run as a whole', () => {
  test('that fails fast stops what runs and skips the rest', async () => {
    expect(await messageOf(await start('sample_fail_fast', '2025-12-11'))).toContain('bad failed')
    expect(await statesOf('sample_fail_fast/2025-12-11')).toEqual({
      ...{ bad: 'failed', slow: 'failed', after: 'skipped' },
    })
  })

  test('that takes too long fails, and what has not ended is skipped', async () => {
    const message = await messageOf(await start('sample_slow', '2025-12-12'))
    expect(message).toContain('the run took longer than 0.5 s')
    const states = await statesOf('sample_slow/2025-12-12')
    expect(states).toEqual({ slow: 'skipped', after: 'skipped' })
  })

  test('that is about to miss its deadline tells of it, and again when it has', async () => {
    const date = '2025-12-14'
    const handle = await start('sample_late', date)
    const alerts = () => sample.alerts.filter((alert) => alert.date === date)
    await vi.waitUntil(() => alerts().length === 2, { timeout: 20_000 })
    sample.gates.get(date)?.()
    await handle.result()
    const unfinished = ['slow', 'after']
    expect(alerts()).toMatchObject([
      { kind: 'warning', runKey: `sample_late/${date}`, unfinished },
      { kind: 'missed', runKey: `sample_late/${date}`, unfinished },
    ])
  })

  test('that is over in time tells nobody', async () => {
    const date = '2025-12-15'
    await (await start('sample_in_time', date)).result()
    expect(sample.alerts.filter((alert) => alert.date === date)).toEqual([])
  })

  test('with max_active_tasks runs no more than that at once', async () => {
    const handle = await start('sample_narrow', '2025-12-13')
    await vi.waitUntil(() => sample.gates.has('2025-12-13'), { timeout: 20_000 })
    const why = await handle.query<string, [string]>('why', 'two')
    expect(why).toBe('two is queued (max_active_tasks is 1)')
    sample.gates.get('2025-12-13')?.()
    const { tasks } = await handle.result()
    expect(tasks).toEqual({ one: 'success', two: 'success' })
  })
})
