import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readBackfillDays, readBackfills } from '../../cli/read-backfills.ts'
import { datesBetween } from '../../dag/calendar.ts'
import type { BackfillProgress } from '../../workflows/run-days.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

const soon = { timeout: 20_000 }

/** A backfill that continues as a new execution every few days, two days at once. */
async function startShort(from: string, to: string) {
  const { client, taskQueue } = sample.temporal
  const workflowId = `backfill/sample_gate/${from}/${to}`
  const input = { dagId: 'sample_gate', from, to, concurrency: 2 }
  await client.workflow.start('sample_short_backfill', { taskQueue, workflowId, args: [input] })
  const handle = client.workflow.getHandle<() => Promise<BackfillProgress>>(workflowId)
  const dates = datesBetween(from, to)
  const progress = () => handle.query<BackfillProgress>('progress')
  const runId = async () => (await handle.describe()).runId
  return { workflowId, handle, dates, progress, runId }
}

type Short = Awaited<ReturnType<typeof startShort>>

async function isHeld(date = ''): Promise<void> {
  await vi.waitUntil(() => sample.gates.has(date), soon)
}

function open(date = ''): void {
  sample.gates.get(date)?.()
}

/** Goes on until no further day may start in this execution; returns the index of the one that runs. */
async function reachBoundary({ dates, progress }: Short): Promise<number> {
  for (let index = 0; ; index += 1) {
    await Promise.all([isHeld(dates[index]), isHeld(dates[index + 1])])
    open(dates[index])
    await vi.waitUntil(async () => (await progress()).days[index]?.outcome === 'success', soon)
    const { days } = await progress()
    if (days[index + 2]?.outcome === 'waiting') return index + 1
  }
}

async function openRuns(): Promise<number> {
  const { client } = sample.temporal
  const query = `WorkflowType = 'sample_gate' and ExecutionStatus = 'Running'`
  return (await client.workflow.count(query)).count
}

async function assertNothingStranded({ workflowId }: Short, ran: number, total: number) {
  const days = await readBackfillDays(sample.database.db, workflowId)
  const reason = 'the backfill was cancelled before this day'
  expect(days.map((day) => [day.state, day.reason])).toEqual([
    ...Array.from({ length: ran }, () => ['success', null]),
    ...Array.from({ length: total - ran }, () => ['left out', reason]),
  ])
  await vi.waitUntil(async () => (await openRuns()) === 0, soon)
}

describe('a backfill that continues as a new execution', () => {
  test('runs every day once, and no history has more events than its limit', async () => {
    const short = await startShort('2025-01-01', '2025-01-14')
    for (const date of short.dates) {
      await isHeld(date)
      open(date)
    }
    const result = await short.handle.result()
    expect(result.days.map(({ outcome }) => outcome)).toEqual(short.dates.map(() => 'success'))
    const query = `WorkflowId = '${short.workflowId}'`
    const executions: number[] = []
    for await (const { runId } of sample.temporal.client.workflow.list({ query })) {
      const one = sample.temporal.client.workflow.getHandle(short.workflowId, runId)
      executions.push((await one.describe()).historyLength)
    }
    expect(executions.length).toBeGreaterThan(2)
    expect(Math.max(...executions)).toBeLessThan(200)
    const calls = sample.calls.filter((call) => /^2025-01-\d\d gate /.test(call))
    expect(calls).toHaveLength(short.dates.length)
    const [row] = await readBackfills(sample.database.db, { limit: 1 })
    expect(row).toMatchObject({ state: 'success', days: 14, success: 14 })
  })

  test('stays paused across the boundary, goes on when resumed, and ends when cancelled', async () => {
    const short = await startShort('2025-02-01', '2025-02-14')
    const running = await reachBoundary(short)
    const before = await short.runId()
    await short.handle.signal('pause')
    open(short.dates[running])
    await vi.waitUntil(async () => (await short.runId()) !== before, soon)
    const isPausedAgain = async () => {
      const { isPaused, days } = await short.progress()
      return isPaused && days[running + 1]?.outcome === 'waiting'
    }
    await vi.waitUntil(isPausedAgain, soon)
    expect(sample.gates.has(short.dates[running + 1] ?? '')).toBe(false)
    await short.handle.signal('resume')
    await Promise.all([1, 2].map((more) => isHeld(short.dates[running + more])))
    await short.handle.signal('cancel')
    for (const more of [1, 2]) open(short.dates[running + more])
    await short.handle.result()
    await assertNothingStranded(short, running + 3, 14)
  })

  test.each([
    ['the signal', '2025-03', (short: Short) => short.handle.signal('cancel')],
    ['Temporal', '2025-04', (short: Short) => short.handle.cancel()],
  ])('that is cancelled by %s at the boundary ends there', async (_, month, cancel) => {
    const short = await startShort(`${month}-01`, `${month}-14`)
    const running = await reachBoundary(short)
    await cancel(short)
    open(short.dates[running])
    await short.handle.result().catch(() => undefined)
    await assertNothingStranded(short, running + 1, 14)
  })
})
