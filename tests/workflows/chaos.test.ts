import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { TaskStates } from '../../dag/task-state.ts'
import {
  clearUpdate,
  markUpdate,
  pauseUpdate,
  resumeUpdate,
} from '../../dag/run-loop/interventions.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import { replay } from './replay-histories.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

const few = 4
let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
  await sample.database.db.query('insert into audit.pools values ($1, $2)', ['sample_few', few])
})
afterAll(() => sample.stop())

function start(date: string): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId: 'sample_many', date, taskQueue })
}

async function differencesOnReplay(runs: readonly RunHandle[]): Promise<Record<string, string>> {
  const histories = await Promise.all(
    runs.map(async (run) => ({ workflowId: run.workflowId, history: await run.fetchHistory() })),
  )
  return replay(sampleWorkflowsPath, histories)
}

/** Nothing is left of runs that have ended, and no promise was broken on the way. */
async function expectSound(): Promise<void> {
  const slots = () => sample.database.db.query('select 1 from audit.slot_requests')
  await vi.waitUntil(async () => (await slots()).rows.length === 0, { timeout: 30_000 })
  const { rows } = await sample.database.db.query(
    `select run_key, state from audit.pipeline_runs where state in ('queued', 'running')
     union all select run_key, task_id from audit.task_runs where state = 'running'`,
  )
  expect(rows).toEqual([])
  expect(sample.doubles).toEqual([])
  expect(sample.mostNapping.count).toBeLessThanOrEqual(few)
}

test('runs whose tasks share a pool replay as they ran', async () => {
  const dates = ['2025-03-01', '2025-03-02', '2025-03-03', '2025-03-04']
  const runs = await Promise.all(dates.map(start))
  await Promise.all(runs.map((run) => run.result()))
  expect(await differencesOnReplay(runs)).toEqual({})
  await expectSound()
})

/** The same every time: which task, what is done to it, how long between. */
function* meddling(seed: number) {
  let state = seed
  const next = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
  const kinds = ['clear', 'pause', 'resume', 'mark'] as const
  for (let step = 0; step < 12; step += 1) {
    const task = `${['a', 'b'][next(2)]}${next(6) + 1}`
    yield { kind: kinds[step % kinds.length], task, pauseMs: next(250) }
  }
}

async function meddle(run: RunHandle, seed: number): Promise<void> {
  for (const { kind, task, pauseMs } of meddling(seed)) {
    await sleep(pauseMs)
    const by = 'ada'
    const done =
      kind === 'clear'
        ? run.executeUpdate(clearUpdate, { args: [{ tasks: [task], by }] })
        : kind === 'mark'
          ? run.executeUpdate(markUpdate, { args: [{ tasks: [task], state: 'success', by }] })
          : run.executeUpdate(kind === 'pause' ? pauseUpdate : resumeUpdate, { args: [{ by }] })
    // A task that has not begun cannot be cleared, nor can a run that has ended.
    await Promise.resolve(done).catch(() => undefined)
  }
}

test('runs that people meddle with, one of them cancelled, end and replay, also on another worker', async () => {
  const dates = ['2025-04-01', '2025-04-02', '2025-04-03', '2025-04-04', '2025-04-05']
  const runs = await Promise.all(dates.map(start))
  const ends = Promise.allSettled(runs.map((run) => run.result()))
  await Promise.all(runs.map((run, index) => meddle(run, index + 1)))
  await runs[4]?.cancel().catch(() => undefined)
  await sample.restart()
  await ends
  for (const run of runs) {
    const states = Object.values(await run.query<TaskStates>('state'))
    expect(states.filter(({ state }) => ['none', 'queued', 'running'].includes(state))).toEqual([])
  }
  expect(await differencesOnReplay(runs)).toEqual({})
  await expectSound()
}, 120_000)
