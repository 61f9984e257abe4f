import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ScheduleHandle } from '@temporalio/client'
import type { Connections } from '../../cli/connect.ts'
import { lookForGaps } from '../../cli/look-for-gaps.ts'
import { addDays, datesBetween, lastCompleteDate } from '../../dag/calendar.ts'
import { loadConfig } from '../../platform/config.ts'
import { applySchedules } from '../../schedules/apply-schedules.ts'
import { scheduleOf } from '../../schedules/schedules.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleNewYork, sampleOverlap } from './sample-dags/time-dags.ts'

let sample: SampleWorker
let connections: Connections
beforeAll(async () => {
  sample = await startSampleWorker()
  const { client, taskQueue } = sample.temporal
  const config = loadConfig({ TEMPORAL_TASK_QUEUE: taskQueue })
  connections = { client, config, database: sample.database.db }
  const schedules = [sampleNewYork, sampleOverlap].flatMap(scheduleOf)
  await applySchedules(client, { temporal: { taskQueue } }, schedules)
})
afterAll(() => sample.stop())

const until = (claim: () => boolean | Promise<boolean>) =>
  vi.waitUntil(claim, { timeout: 60_000, interval: 100 })

const scheduleNamed = (id: string) => sample.temporal.client.schedule.getHandle(id)

async function rowsOf(dagId: string) {
  const { rows } = await sample.database.db.query<{ date: string; state: string }>(
    `select logical_date as date, state from audit.pipeline_runs
     where dag_id = $1 order by logical_date, started_at`,
    [dagId],
  )
  return rows
}

async function endOf(workflowId: string): Promise<string> {
  const handle = sample.temporal.client.workflow.getHandle(workflowId)
  await until(() =>
    handle.describe().then(
      () => true,
      () => false,
    ),
  )
  return handle.result().then(
    (result: { state: string }) => result.state,
    (error: Error & { cause?: Error }) => error.cause?.message ?? error.message,
  )
}

describe('AT-D7 the second tick of a day on which an hour comes twice', () => {
  // In New York clocks showed 01:30 at 05:30 and at 06:30 UTC.
  const [first, second] = ['2025-11-02T05:30:00Z', '2025-11-02T06:30:00Z']
  const runKey = 'sample_new_york/2025-11-01'
  const tick = async (instant: string) => {
    const [start, end] = [new Date(instant), new Date(instant)]
    await scheduleNamed('sample_new_york').backfill([{ start, end, overlap: 'ALLOW_ALL' }])
    return endOf(`sample_new_york-${instant}`)
  }

  test('is a no-op that ends as the run did that has ended, failed or not', async () => {
    sample.broken.add('2025-11-01')
    expect(await tick(first)).toContain(`${runKey} failed: first failed`)
    expect(await tick(second)).toContain(`${runKey} failed: first failed`)
    expect(sample.calls).toEqual(['2025-11-01 first 1'])
    expect(await rowsOf('sample_new_york')).toEqual([{ date: '2025-11-01', state: 'failed' }])
  })

  test('does not keep a person from running that date again, by a backfill or a click', async () => {
    sample.broken.clear()
    sample.calls.length = 0
    const again = scheduleNamed('sample_new_york').backfill([
      { start: new Date(first), end: new Date(second), overlap: 'BUFFER_ALL' },
    ])
    await again
    await until(async () => (await rowsOf('sample_new_york')).at(-1)?.state === 'success')
    await until(async () => {
      const { info } = await scheduleNamed('sample_new_york').describe()
      return info.runningActions.length === 0 && info.numActionsTaken >= 4
    })
    expect(sample.calls).toEqual(['2025-11-01 first 1'])
    await scheduleNamed('sample_new_york').trigger()
    const yesterday = lastCompleteDate(Date.now(), 'America/New_York')
    await until(async () => (await rowsOf('sample_new_york')).at(-1)?.date === yesterday)
    expect((await rowsOf('sample_new_york')).map(({ date }) => date)).toEqual([
      ...['2025-11-01', '2025-11-01', yesterday],
    ])
  })
})

describe('AT-Z4 under the overlap policy', () => {
  const effectsOn = (date: string) => sample.calls.filter((call) => call === `${date} effect 1`)

  /** Lets every run through that has come to its gate. */
  function openGates() {
    for (const open of sample.gates.values()) open()
  }

  async function haveEnded(dates: readonly string[], count: number): Promise<boolean> {
    openGates()
    const rows = (await rowsOf('sample_overlap')).filter(({ date }) => dates.includes(date))
    const query = "WorkflowType = 'sample_overlap' AND ExecutionStatus = 'Running'"
    const open = await sample.temporal.client.workflow.count(query)
    const isOpen = rows.some(({ state }) => state === 'running' || state === 'queued')
    return (
      !isOpen && open.count === 0 && rows.filter(({ state }) => state === 'success').length >= count
    )
  }

  const isHeldOn = (date: string) => until(() => sample.gates.has(date))
  const hasSkipped = (schedule: ScheduleHandle, count: number) =>
    until(async () => (await schedule.describe()).info.numActionsSkippedOverlap === count)

  test.each([
    { overlap: 'SKIP', from: '2025-03-01', runs: 1, skipped: 3 },
    { overlap: 'BUFFER_ONE', from: '2025-04-01', runs: 2, skipped: 5 },
    { overlap: 'BUFFER_ALL', from: '2025-05-01', runs: 4, skipped: 5 },
    { overlap: 'CANCEL_OTHER', from: '2025-06-01', runs: 1, skipped: undefined },
    { overlap: 'TERMINATE_OTHER', from: '2025-07-01', runs: 1, skipped: undefined },
    { overlap: 'ALLOW_ALL', from: '2025-08-01', runs: 4, skipped: undefined },
  ] as const)(
    '$overlap each date that runs has one effect and one line, and the others are named',
    async ({ overlap, from, runs, skipped }) => {
      const to = addDays(from, 3)
      const dates = datesBetween(from, to)
      sample.gates.clear()
      const schedule = scheduleNamed('sample_overlap')
      const start = new Date(`${addDays(from, 1)}T02:00:00Z`)
      const end = new Date(`${addDays(to, 1)}T02:00:00Z`)
      await schedule.backfill([{ start, end, overlap }])
      if (skipped === undefined) await isHeldOn(to)
      else {
        await isHeldOn(from)
        await hasSkipped(schedule, skipped)
      }
      await until(() => haveEnded(dates, runs))

      const rows = (await rowsOf('sample_overlap')).filter(({ date }) => dates.includes(date))
      const ran = rows.filter(({ state }) => state === 'success').map(({ date }) => date)
      expect(rows.map(({ date }) => date)).toEqual([...new Set(rows.map(({ date }) => date))])
      expect(dates.map((date) => effectsOn(date).length)).toEqual(
        dates.map((date) => (ran.includes(date) ? 1 : 0)),
      )
      const question = { nowMs: Date.now(), from, to, withAll: true }
      const { report } = await lookForGaps(connections, sampleOverlap, question)
      const left = dates.filter((date) => !ran.includes(date))
      expect(report.gaps.map(({ date }) => date)).toEqual(left)
      if (skipped !== undefined || overlap === 'ALLOW_ALL') expect(ran).toHaveLength(runs)
    },
  )
})

test('AT-Z3 a backfill of many days runs each of them once, as many at a time as the DAG allows', async () => {
  const [from, to] = ['2025-09-01', '2025-09-15']
  const dates = datesBetween(from, to)
  sample.gates.clear()
  const start = new Date(`${addDays(from, 1)}T02:00:00Z`)
  const end = new Date(`${addDays(to, 1)}T02:00:00Z`)
  await scheduleNamed('sample_overlap').backfill([{ start, end }])
  const active: number[] = []
  await until(async () => {
    const rows = (await rowsOf('sample_overlap')).filter(({ date }) => dates.includes(date))
    active.push(rows.filter(({ state }) => state === 'running').length)
    for (const open of sample.gates.values()) open()
    return rows.filter(({ state }) => state === 'success').length === dates.length
  })
  expect(Math.max(...active)).toBeLessThanOrEqual(sampleOverlap.maxActiveRuns)
  const effects = sample.calls.filter((call) => call.endsWith(' effect 1'))
  expect(dates.map((date) => effects.filter((call) => call.startsWith(date)).length)).toEqual(
    dates.map(() => 1),
  )
})
