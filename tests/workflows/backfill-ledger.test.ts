import { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readBackfillDays, readBackfills } from '../../cli/read-backfills.ts'
import { addDays, datesBetween, lastCompleteDate } from '../../dag/calendar.ts'
import { BackfillInput, decideDays, planBackfill } from '../../dag/plan-backfill.ts'
import { readDayFacts } from '../../platform/day-facts.ts'
import type { StartBackfillInput } from '../../schedules/start-backfill.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { sampleGate } from './sample-dags/sample-dags.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

function backfill(input: Omit<StartBackfillInput, 'taskQueue'>) {
  const { client, taskQueue } = sample.temporal
  return startBackfill(client, { ...input, taskQueue })
}

async function isHeld(date: string): Promise<void> {
  await vi.waitUntil(() => sample.gates.has(date), { timeout: 20_000 })
}

function open(date: string): void {
  sample.gates.get(date)?.()
}

/** What `daybook backfill --dry-run` lists. */
async function dryRun(asked: object, client = sample.temporal.client) {
  const input = BackfillInput.parse({ dagId: sampleGate.id, ...asked })
  const plan = planBackfill(sampleGate, input, Date.now())
  if ('problem' in plan) throw new Error(plan.problem)
  const dates = plan.days.map(({ date }) => date)
  const servers = { client, database: sample.database.db }
  const { facts } = await readDayFacts(servers, sampleGate.id, dates)
  return decideDays(plan, facts)
}

describe('AT-B7 every candidate date of a backfill', () => {
  test('is in the dry run and in the ledger as it is in the backfill, with its place and its reason', async () => {
    const { client, taskQueue } = sample.temporal
    const start = { dagId: 'sample_gate', taskQueue }
    const last = lastCompleteDate(Date.now(), 'UTC')
    const day = (number: number) => addDays(last, number - 6)
    const done = await startRun(client, { ...start, date: day(1) })
    await isHeld(day(1))
    open(day(1))
    await done.result()
    const running = await startRun(client, { ...start, date: day(2) })
    const earlier = await backfill({
      dagId: 'sample_gate',
      from: day(3),
      to: day(4),
      concurrency: 1,
    })
    await Promise.all([isHeld(day(2)), isHeld(day(3))])

    const asked = { from: day(1), to: day(8), concurrency: 3 }
    const planned = await dryRun(asked)
    const later = await backfill({ dagId: 'sample_gate', ...asked })
    await Promise.all([isHeld(day(5)), isHeld(day(6))])
    expect(await readBackfillDays(sample.database.db, later.workflowId)).toMatchObject(
      planned.map(({ date, reason }, index) => ({
        ...{ ordinal: index + 1, date, reason },
        state: reason === null ? 'running' : 'left out',
      })),
    )
    for (const number of [2, 3, 5, 6]) open(day(number))
    const { days } = await later.result()
    const held = `in flight: ${earlier.workflowId} has it`
    const future = 'it has not ended yet in UTC'
    expect(days.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['skipped', 'already exists (success)'],
      ['skipped', 'in flight (running)'],
      ...[held, held].map((reason) => ['skipped', reason]),
      ...['', ''].map((reason) => ['success', reason]),
      ...[future, future].map((reason) => ['skipped', reason]),
    ])
    expect(planned.map(({ reason }) => reason ?? '')).toEqual(days.map(({ reason }) => reason))
    await isHeld(day(4))
    open(day(4))
    await Promise.all([running.result(), earlier.result()])
    const [newest, oldest] = await readBackfills(sample.database.db, { limit: 2 })
    expect(newest).toMatchObject({ state: 'success', days: 8, success: 2, failed: 0, left_out: 6 })
    expect(oldest).toMatchObject({ state: 'success', days: 2, success: 2 })
  })

  test('has its reason in the ledger when the backfill is cancelled before it, and no run', async () => {
    const handle = await backfill({
      dagId: 'sample_gate',
      from: '2025-01-01',
      to: '2025-01-03',
      concurrency: 1,
    })
    await isHeld('2025-01-01')
    await handle.signal('cancel')
    open('2025-01-01')
    await handle.result()
    const reason = 'the backfill was cancelled before this day'
    const days = await readBackfillDays(sample.database.db, handle.workflowId)
    expect(days.map((day) => [day.state, day.reason])).toEqual([
      ['success', null],
      ['left out', reason],
      ['left out', reason],
    ])
    expect(await dryRun({ from: '2025-01-01', to: '2025-01-03' })).toMatchObject([
      { reason: 'already exists (success)' },
      ...[{ reason: null }, { reason: null }],
    ])
  })

  test('is not in flight when its run has ended and only the list of executions is behind', async () => {
    const { client, taskQueue } = sample.temporal
    const date = '2025-05-01'
    const run = await startRun(client, { dagId: 'sample_gate', taskQueue, date })
    await isHeld(date)
    open(date)
    await run.result()
    const query = `WorkflowId = '${run.workflowId}'`
    await vi.waitUntil(async () => (await client.workflow.count(query)).count > 0)
    const behind = new Client({ connection: client.connection })
    vi.spyOn(behind.workflow, 'list').mockImplementation(() => client.workflow.list({ query }))
    const asked = { from: date, to: date }
    expect(await dryRun(asked, behind)).toMatchObject([{ reason: 'already exists (success)' }])
  })

  test('is free again when the backfill that had it was terminated', async () => {
    const range = { dagId: 'sample_gate', from: '2025-02-01', to: '2025-02-02', concurrency: 1 }
    const handle = await backfill(range)
    await isHeld('2025-02-01')
    await handle.terminate()
    expect(await dryRun(range)).toMatchObject([{ reason: 'in flight (running)' }, { reason: null }])
    const again = await backfill(range)
    await isHeld('2025-02-02')
    for (const date of ['2025-02-01', '2025-02-02']) open(date)
    await again.result()
    const rows = await readBackfills(sample.database.db, { dag: 'sample_gate', limit: 2 })
    expect(rows.map(({ state }) => state)).toEqual(['success', 'cancelled'])
  })

  test('belongs to one backfill, however many begin at once', async () => {
    const ends = ['2025-03-03', '2025-03-04', '2025-03-05', '2025-03-06']
    const handles = await Promise.all(
      ends.map((to) => backfill({ dagId: 'sample_gate', from: '2025-03-01', to, concurrency: 10 })),
    )
    const dates = datesBetween('2025-03-01', '2025-03-06')
    await Promise.all(dates.map(isHeld))
    dates.forEach(open)
    const results = await Promise.all(handles.map((handle) => handle.result()))
    const ran = results.flatMap(({ days }) => days.filter(({ outcome }) => outcome === 'success'))
    expect(ran.map(({ date }) => date).toSorted()).toEqual(dates)
    const left = results.flatMap(({ days }) => days.filter(({ outcome }) => outcome === 'skipped'))
    expect(left.every(({ reason }) => /^in flight: backfill\/.* has it$/.test(reason))).toBe(true)
  })
})
