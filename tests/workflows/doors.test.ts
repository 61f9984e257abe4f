import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import type { WorkflowHandle } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addDays, lastCompleteDate } from '../../dag/calendar.ts'
import { findTemporalBinary } from '../../platform/embedded/temporal-binary.ts'
import { applySchedules } from '../../schedules/apply-schedules.ts'
import { scheduleOf } from '../../schedules/schedules.ts'
import { startRun } from '../../schedules/start-run.ts'
import { sampleChain, sampleGate } from './sample-dags/sample-dags.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

const run = promisify(execFile)

let sample: SampleWorker
let binary: string
beforeAll(async () => {
  sample = await startSampleWorker()
  binary = await findTemporalBinary({ homeDir: tmpdir(), log: () => undefined })
})
afterAll(() => sample.stop())

/** Runs the real `temporal` command against the test's namespace. */
async function temporal(...args: string[]): Promise<string> {
  const { address, namespace } = sample.temporal
  const target = ['--address', address, '--namespace', namespace]
  const { stdout } = await run(binary, [...args, ...target])
  return stdout
}

async function startByCli(type: string, input?: string, workflowId: string = randomUUID()) {
  const { taskQueue, client } = sample.temporal
  const what = ['--type', type, '--task-queue', taskQueue, '--workflow-id', workflowId]
  await temporal('workflow', 'start', ...what, ...(input === undefined ? [] : ['--input', input]))
  return client.workflow.getHandle(workflowId)
}

async function failure(handle: WorkflowHandle) {
  const error = await handle.result().then(
    () => expect.fail('it did not fail'),
    (caught: { cause: unknown }) => caught.cause,
  )
  return error as { type: string; message: string; nonRetryable: boolean }
}

async function auditRows(runKey: string) {
  const { rows } = await sample.database.db.query(
    `select run_key, trigger, state from audit.pipeline_runs where run_key = $1`,
    [runKey],
  )
  return rows
}

const yesterday = lastCompleteDate(Date.now(), 'UTC')

describe('`temporal workflow start`', () => {
  test.each([
    ['{"date":"2025-12-13"}', '2025-12-13'],
    ['"2025-12-14"', '2025-12-14'],
    ['{"date":"2024-02-29"}', '2024-02-29'],
  ])('with %s runs that day', async (input, date) => {
    const handle = await startByCli('sample_chain', input)
    await expect(handle.result()).resolves.toMatchObject({ date, state: 'success' })
    expect(await auditRows(`sample_chain/${date}`)).toEqual([
      { run_key: `sample_chain/${date}`, trigger: 'manual', state: 'success' },
    ])
  })

  test.each([[undefined], ['null'], ['{}']])(
    'with %s runs the last complete day',
    async (input) => {
      const handle = await startByCli('sample_branch', input)
      await expect(handle.result()).resolves.toMatchObject({ date: yesterday })
    },
  )

  test('under the run key takes the date from it', async () => {
    const handle = await startByCli('sample_chain', undefined, 'sample_chain/2025-12-20')
    await expect(handle.result()).resolves.toMatchObject({ date: '2025-12-20' })
  })

  test.each([
    ['{"date":"2025-13-45"}', /"2025-13-45" is no day of the calendar/],
    ['"yesterday"', /"yesterday" is no day of the calendar/],
    ['""', /"" is no day of the calendar/],
    ['20251213', /the input is 20251213, which names no date/],
    ['["2025-12-13"]', /the input is \["2025-12-13"\], which names no date/],
    ['{"date":20251213}', /date: Invalid input: expected string, received number/],
    ['{"day":"2025-12-13"}', /Unrecognized key: "day"/],
    ['{"date":"2099-01-01"}', /2099-01-01 has not ended yet in UTC; the last complete day is/],
    [`{"date":"${addDays(yesterday, 1)}"}`, /has not ended yet/],
    ['{"params":{"x":1}}', /the params do not fit: Unrecognized key: "x"/],
  ])('with %s fails at once with words and a remedy, and leaves no trace', async (input, words) => {
    const error = await failure(await startByCli('sample_chain', input))
    expect(error).toMatchObject({ type: 'BadInput', nonRetryable: true })
    expect(error.message).toMatch(words)
    expect(error.message).toContain('Give it a day that has ended, as {"date":"2025-12-13"}')
  })

  test('under the run key of another day or another DAG is refused', async () => {
    const otherDay = await startByCli('sample_chain', '"2025-12-13"', 'sample_chain/2025-12-22')
    expect((await failure(otherDay)).message).toContain('but the input asks for 2025-12-13')
    const otherDag = await startByCli('sample_chain', undefined, 'sample_gate/2025-12-22')
    expect((await failure(otherDag)).message).toContain('is kept for a run of sample_gate')
  })
})

test('a run that fails makes the door fail with the same words', async () => {
  const error = await failure(await startByCli('sample_failing', '"2025-12-13"'))
  expect(error).toMatchObject({ type: 'DagRunFailed' })
  expect(error.message).toMatch(/^sample_failing\/2025-12-13 failed: bad failed \(ChecksFailed: 99/)
})

describe('a day that is running', () => {
  test('is joined by every other door: one effect, one row, the same result', async () => {
    const { client, taskQueue } = sample.temporal
    const first = await startByCli('sample_gate', '"2025-12-13"')
    await vi.waitUntil(() => sample.gates.has('2025-12-13'))
    const others = await Promise.all([
      startByCli('sample_gate', '{"date":"2025-12-13"}'),
      startByCli('sample_gate', '"2025-12-13"', 'whatever people type'),
      startRun(client, { dagId: 'sample_gate', date: '2025-12-13', taskQueue }),
    ])
    await vi.waitFor(() => expect(countActivities('sample_gate/2025-12-13')).resolves.toBe(1))
    sample.gates.get('2025-12-13')?.()
    const results = await Promise.all([first, ...others].map((handle) => handle.result()))
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1)
    expect(await auditRows('sample_gate/2025-12-13')).toHaveLength(1)
    expect(sample.calls.filter((call) => call.startsWith('2025-12-13 gate'))).toHaveLength(1)
  })

  test('is one run for 50 starts at once', async () => {
    const { client, taskQueue } = sample.temporal
    const start = () => startRun(client, { dagId: 'sample_gate', date: '2025-12-16', taskQueue })
    const handles = await Promise.all(Array.from({ length: 50 }, start))
    await vi.waitUntil(() => sample.gates.has('2025-12-16'))
    sample.gates.get('2025-12-16')?.()
    const results = await Promise.all(handles.map((handle) => handle.result()))
    expect(results).toHaveLength(50)
    expect(await auditRows('sample_gate/2025-12-16')).toHaveLength(1)
    expect(sample.calls.filter((call) => call.startsWith('2025-12-16 gate'))).toHaveLength(1)
  })

  test('goes on when the execution that asked for it is terminated', async () => {
    const door = await startByCli('sample_gate', '"2025-12-17"')
    await vi.waitUntil(() => sample.gates.has('2025-12-17'))
    await door.terminate()
    sample.gates.get('2025-12-17')?.()
    const handle = sample.temporal.client.workflow.getHandle('sample_gate/2025-12-17')
    await expect(handle.result()).resolves.toMatchObject({ state: 'success' })
  })

  async function countActivities(runKey: string): Promise<number> {
    const { rows } = await sample.database.db.query(
      'select count(*)::int as count from audit.task_runs where run_key = $1',
      [runKey],
    )
    return rows[0].count
  }
})

test('a day that has run runs again under the same key when it is asked for again', async () => {
  const { client, taskQueue } = sample.temporal
  for (let time = 0; time < 2; time++) {
    await (
      await startRun(client, { dagId: 'sample_chain', date: '2025-11-01', taskQueue })
    ).result()
  }
  expect(await auditRows('sample_chain/2025-11-01')).toHaveLength(2)
})

describe('`temporal workflow reset`', () => {
  test.each(['FirstWorkflowTask', 'LastWorkflowTask'])(
    'to the %s runs the day again under its key and closes both rows',
    async (point) => {
      const { client, taskQueue } = sample.temporal
      const date = point === 'FirstWorkflowTask' ? '2025-09-01' : '2025-09-02'
      const first = await startRun(client, { dagId: 'sample_chain', date, taskQueue })
      await first.result()
      const target = ['--workflow-id', first.workflowId, '--type', point, '--reason', 'a test']
      await temporal('workflow', 'reset', ...target)
      const again = client.workflow.getHandle(first.workflowId)
      await expect(again.result()).resolves.toMatchObject({ state: 'success', date })
      expect(await auditRows(first.workflowId)).toEqual([
        { run_key: first.workflowId, trigger: 'cli', state: 'success' },
        { run_key: first.workflowId, trigger: 'cli', state: 'success' },
      ])
    },
  )
})

describe('a schedule', () => {
  beforeAll(async () => {
    const { client, taskQueue } = sample.temporal
    const schedules = [...scheduleOf(sampleChain), ...scheduleOf(sampleGate)]
    await applySchedules(client, { temporal: { taskQueue } }, schedules)
    await applySchedules(client, { temporal: { taskQueue } }, schedules)
  })

  test('can be applied again, keeps what a person paused, and never drops a day', async () => {
    const { client, taskQueue } = sample.temporal
    const handle = client.schedule.getHandle('sample_gate')
    await handle.pause('stock taking')
    await applySchedules(client, { temporal: { taskQueue } }, scheduleOf(sampleGate))
    expect(await handle.describe()).toMatchObject({
      state: { paused: true, note: 'stock taking' },
      policies: { overlap: 'ALLOW_ALL', catchupWindow: 86_400_000 },
      spec: { timezone: 'UTC' },
    })
  })

  test('triggered by the `temporal` command runs the last complete day', async () => {
    await temporal('schedule', 'trigger', '--schedule-id', 'sample_chain')
    await vi.waitFor(
      async () =>
        expect(await auditRows(`sample_chain/${yesterday}`)).toEqual([
          { run_key: `sample_chain/${yesterday}`, trigger: 'schedule', state: 'success' },
        ]),
      { timeout: 20_000, interval: 200 },
    )
  })

  test('backfilled by the `temporal` command runs each day of the range once', async () => {
    // The ticks of these times are for the days before them.
    const range = ['--start-time', '2025-10-02T00:00:00Z', '--end-time', '2025-10-06T00:00:00Z']
    const target = ['--schedule-id', 'sample_chain', '--overlap-policy', 'BufferAll']
    await temporal('schedule', 'backfill', ...target, ...range)
    await vi.waitFor(
      async () => {
        const { rows } = await sample.database.db.query(
          `select logical_date from audit.pipeline_runs
           where dag_id = 'sample_chain' and trigger = 'schedule' and state = 'success'
             and logical_date < '2025-11-01' order by 1`,
        )
        expect(rows.map((row) => row.logical_date)).toEqual([
          ...['2025-10-01', '2025-10-02', '2025-10-03', '2025-10-04'],
        ])
      },
      { timeout: 40_000, interval: 300 },
    )
  })
})
