import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TaskStates } from '../../dag/task-state.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
  await sample.database.db.query("insert into audit.pools values ('sample_scarce', 1)")
})
afterAll(() => sample.stop())

const soon = { timeout: 40_000, interval: 20 }

function start(dagId: string, date: string, trigger = 'cli'): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue, trigger })
}

async function isHeld(date: string): Promise<void> {
  await vi.waitUntil(() => sample.gates.has(date), soon)
}

async function rowState(runKey: string): Promise<string | undefined> {
  const { rows } = await sample.database.db.query<{ state: string }>(
    'select state from audit.pipeline_runs where run_key = $1 order by started_at desc limit 1',
    [runKey],
  )
  return rows[0]?.state
}

/** By runs that have ended; one that was terminated keeps its place until somebody waits for it. */
async function slotsHeld(...runs: RunHandle[]): Promise<number> {
  const { rows } = await sample.database.db.query(
    'select 1 from audit.slot_requests where workflow_id = any ($1)',
    [runs.map((run) => run.workflowId)],
  )
  return rows.length
}

describe('a pool', () => {
  test('lets one task after the other use its slot, the oldest date first', async () => {
    const first = await start('sample_pool', '2025-12-03')
    await isHeld('2025-12-03')
    const later = await start('sample_pool', '2025-12-02')
    const earlier = await start('sample_pool', '2025-12-01')
    const stateOf = async (run: RunHandle) =>
      (await run.query<TaskStates>('state'))['scarce']?.state === 'queued'
    await vi.waitUntil(async () => (await stateOf(later)) && (await stateOf(earlier)), soon)
    const why = await later.query<string, [string]>('why', 'scarce')
    expect(why).toBe('scarce is queued (pool sample_scarce: 1 slots are not free)')
    sample.gates.get('2025-12-03')?.()
    await first.result()
    await isHeld('2025-12-01')
    expect(sample.gates.has('2025-12-02')).toBe(false)
    sample.gates.get('2025-12-01')?.()
    await isHeld('2025-12-02')
    sample.gates.get('2025-12-02')?.()
    await Promise.all([earlier.result(), later.result()])
    expect(await slotsHeld(first, later, earlier)).toBe(0)
  })

  test('gets its slots back from a run that was terminated', async () => {
    const holder = await start('sample_pool', '2025-12-04')
    await isHeld('2025-12-04')
    const waiting = await start('sample_pool', '2025-12-05')
    await holder.terminate()
    await isHeld('2025-12-05')
    sample.gates.get('2025-12-05')?.()
    await waiting.result()
  })
})

describe('max active runs', () => {
  test('holds whoever starts the runs; a waiting run is queued, then runs', async () => {
    const first = await start('sample_single', '2025-12-06')
    await isHeld('2025-12-06')
    const second = await start('sample_single', '2025-12-07')
    const isQueued = async () => (await rowState('sample_single/2025-12-07')) === 'queued'
    await vi.waitUntil(isQueued, soon)
    sample.gates.get('2025-12-06')?.()
    await first.result()
    await isHeld('2025-12-07')
    expect(await rowState('sample_single/2025-12-07')).toBe('running')
    sample.gates.get('2025-12-07')?.()
    await second.result()
    expect(await slotsHeld(first, second)).toBe(0)
  })

  test('a run that is cancelled while it waits gives its place up', async () => {
    const first = await start('sample_single', '2025-12-08')
    await isHeld('2025-12-08')
    const second = await start('sample_single', '2025-12-09')
    const isQueued = async () => (await rowState('sample_single/2025-12-09')) === 'queued'
    await vi.waitUntil(isQueued, soon)
    await second.cancel()
    await expect(second.result()).rejects.toThrow()
    expect(await rowState('sample_single/2025-12-09')).toBe('cancelled')
    sample.gates.get('2025-12-08')?.()
    await first.result()
    expect(await slotsHeld(first, second)).toBe(0)
  })

  test('does not count the runs of a backfill, which has a limit of its own', async () => {
    const first = await start('sample_single', '2025-12-10')
    const second = await start('sample_single', '2025-12-11', 'backfill')
    await Promise.all([isHeld('2025-12-10'), isHeld('2025-12-11')])
    for (const date of ['2025-12-10', '2025-12-11']) sample.gates.get(date)?.()
    await Promise.all([first.result(), second.result()])
  })
})

describe('depends on past', () => {
  test('a task waits for itself in the run before, until that is repaired', async () => {
    sample.broken.add('2025-12-12 load')
    await expect((await start('sample_past', '2025-12-12', 'schedule')).result()).rejects.toThrow()
    const next = await start('sample_past', '2025-12-13')
    const why = () => next.query<string, [string]>('why', 'load')
    await vi.waitUntil(async () => (await why()).includes('depends_on_past'), soon)
    expect(await why()).toBe(
      'load is queued (depends_on_past: load of the run before has not succeeded)',
    )
    sample.broken.delete('2025-12-12 load')
    await (await start('sample_past', '2025-12-12')).result()
    const { tasks } = await next.result()
    expect(tasks).toEqual({ load: 'success', after: 'success' })
  })
})
