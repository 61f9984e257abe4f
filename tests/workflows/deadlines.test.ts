import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RunHandle, StartRunInput } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import { replay } from './replay-histories.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
const runs: RunHandle[] = []
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

async function start(
  dagId: string,
  date: string,
  clear?: StartRunInput['clear'],
): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  const run = await startRun(client, { dagId, date, taskQueue, ...(clear && { clear }) })
  runs.push(run)
  return run
}

const soon = { timeout: 20_000, interval: 20 }

async function open(date: string): Promise<void> {
  await vi.waitUntil(() => sample.gates.has(date), soon)
  sample.gates.get(date)?.()
}

const alertsOf = (date: string) => sample.alerts.filter((alert) => alert.date === date)

/** When the timers of a run end, as instants. */
async function timersOf(run: RunHandle): Promise<number[]> {
  const { events } = await run.fetchHistory()
  return (events ?? []).flatMap(({ timerStartedEventAttributes: timer, eventTime }) =>
    timer ? [msOf(eventTime) + msOf(timer.startToFireTimeout)] : [],
  )
}

/** Of a timestamp or a duration of the server. */
function msOf(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6
}

async function queuedAt(run: RunHandle): Promise<number> {
  const { events } = await run.fetchHistory()
  return msOf(events?.[0]?.eventTime)
}

async function hoursToTimers(run: RunHandle): Promise<number[]> {
  const queued = await queuedAt(run)
  return (await timersOf(run)).map((at) => Math.round((at - queued) / 3_600_000))
}

describe('AT-L1 a deadline counted from when the run was queued', () => {
  test('is missed once each, also by a run that still waits for its turn', async () => {
    const [first, second] = ['2025-12-01', '2025-12-02'] as const
    const running = await start('sample_deadline_queued', first)
    await vi.waitUntil(() => sample.gates.has(first), soon)
    const waiting = await start('sample_deadline_queued', second)
    await vi.waitUntil(() => alertsOf(first).length + alertsOf(second).length === 2, soon)
    expect(sample.gates.has(second)).toBe(false)
    for (const [date, run] of [
      [first, running],
      [second, waiting],
    ] as const) {
      const deadline = new Date(Math.trunc(await queuedAt(run)) + 1_000).toISOString()
      expect(alertsOf(date)).toEqual([
        {
          ...{ dagId: 'sample_deadline_queued', runKey: `sample_deadline_queued/${date}`, date },
          ...{ kind: 'missed', deadline, unfinished: ['slow'] },
        },
      ])
    }
    await open(first)
    await running.result()
    await open(second)
    await waiting.result()
    expect(alertsOf(second)).toHaveLength(1)
  })

  test('is counted anew by the run that a clear makes', async () => {
    const date = '2025-12-03'
    sample.broken.add(date)
    const failed = await start('sample_deadline_repair', date)
    await failed.result().catch(() => undefined)
    // The handle of a run key is that of its latest execution.
    const before = await hoursToTimers(failed)
    sample.broken.delete(date)
    const repaired = await start('sample_deadline_repair', date, { by: 'ada' })
    await repaired.result()
    expect([before, await hoursToTimers(repaired)]).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(alertsOf(date)).toEqual([])
  })
})

test('AT-L1 a deadline counted from the average runtime waits for enough runs', async () => {
  for (const date of ['2025-12-04', '2025-12-05']) {
    const run = await start('sample_deadline_average', date)
    await open(date)
    await run.result()
    expect(await timersOf(run)).toEqual([])
  }
  const { rows } = await sample.database.db.query(
    `select round(avg(seconds) * 1000)::float8 as ms from audit.pipeline_runs
     where dag_id = 'sample_deadline_average'`,
  )
  const date = '2025-12-06'
  const run = await start('sample_deadline_average', date)
  await vi.waitUntil(() => alertsOf(date).length === 1, soon)
  const deadlineMs = Math.trunc(await queuedAt(run)) + Number(rows[0]?.ms) + 500
  expect(alertsOf(date)).toMatchObject([
    { kind: 'missed', deadline: new Date(deadlineMs).toISOString() },
  ])
  await open(date)
  await run.result()
})

test('AT-L1 a deadline counted from a fixed time; one that is over misses nothing', async () => {
  const run = await start('sample_deadline_fixed', '2025-12-07')
  await run.result()
  const [timer = 0] = await timersOf(run)
  expect(Math.abs(timer - Date.parse('2099-12-31T23:00:00Z'))).toBeLessThan(60_000)
  const past = await start('sample_deadline_past', '2025-12-08')
  await past.result()
  expect(await timersOf(past)).toEqual([])
  expect(alertsOf('2025-12-08')).toEqual([])
})

describe('AT-L1 a deadline counted from what an activity says', () => {
  test('is at that time', async () => {
    const date = '2025-12-09'
    const closing = Date.now() + 3_600_000
    sample.closingTimes.set(date, new Date(closing).toISOString())
    const run = await start('sample_deadline_asked', date)
    await vi.waitUntil(async () => (await timersOf(run)).length === 1, soon)
    const [timer = 0] = await timersOf(run)
    expect(Math.abs(timer - closing)).toBeLessThan(60_000)
    await open(date)
    await run.result()
  })

  test('that has come by when the run is asked for is missed by nobody', async () => {
    const date = '2025-12-12'
    sample.closingTimes.set(date, '2025-12-12T18:00:00Z')
    const run = await start('sample_deadline_asked', date)
    await vi.waitUntil(() => sample.asked.includes(date), soon)
    await open(date)
    await run.result()
    expect(await timersOf(run)).toEqual([])
  })

  test.each(['2025-12-10', '2025-12-11'])(
    'is none where it says none, or fails: %s',
    async (date) => {
      if (date === '2025-12-11') sample.broken.add(`${date} closing`)
      const run = await start('sample_deadline_asked', date)
      await open(date)
      await run.result()
      expect(await timersOf(run)).toEqual([])
    },
  )
})

afterEach(async () => {
  const histories = await Promise.all(
    runs.splice(0).map(async (run) => {
      const { workflowId } = run
      return { workflowId, history: await run.fetchHistory() }
    }),
  )
  expect(await replay(sampleWorkflowsPath, histories)).toEqual({})
})
