import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RunHandle } from '../../schedules/start-run.ts'
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

async function start(dagId: string, date: string): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  const run = await startRun(client, { dagId, date, taskQueue })
  runs.push(run)
  return run
}

/** Opens what a run of the date holds, when it is held. */
async function open(date: string): Promise<void> {
  await vi.waitUntil(() => sample.gates.has(date), { timeout: 20_000 })
  sample.gates.get(date)?.()
}

const toldOf = (date: string) =>
  sample.ended.filter((one) => one.date === date).map(({ taskId, state }) => `${taskId} ${state}`)

async function errorOf(runKey: string): Promise<unknown> {
  const { rows } = await sample.database.db.query(
    'select state, error from audit.pipeline_runs where run_key = $1',
    [runKey],
  )
  return rows[0]
}

describe('AT-R8 on a real worker', () => {
  test('the success callback names the task that succeeded last; tasks tell of their ends', async () => {
    const date = '2025-12-01'
    const run = await start('sample_callbacks', date)
    await vi.waitUntil(() => toldOf(date).length === 2, { timeout: 20_000 })
    await open(date)
    await run.result()
    expect(sample.successes).toEqual([
      {
        ...{ dagId: 'sample_callbacks', date, runKey: `sample_callbacks/${date}` },
        ...{ failedTasks: [], lastSucceededTask: 'last' },
      },
    ])
    // What was skipped by a rule tells nobody.
    expect(toldOf(date).toSorted()).toEqual([
      ...['idle skipped', 'last success', 'quick success', 'slow success'],
    ])
    expect(sample.failures).toEqual([])
  })

  test('the failure callback names the task that failed last', async () => {
    const date = '2025-12-02'
    sample.broken.add(date)
    const run = await start('sample_callbacks', date)
    await vi.waitUntil(() => toldOf(date).includes('quick failed'), { timeout: 20_000 })
    await open(date)
    await expect(run.result()).rejects.toThrow()
    expect(sample.failures).toMatchObject([
      { date, failedTasks: ['last', 'quick'], lastFailedTask: 'last' },
    ])
    expect(sample.ended).toContainEqual({
      ...{ dagId: 'sample_callbacks', date, runKey: `sample_callbacks/${date}` },
      ...{ taskId: 'quick', state: 'failed', reason: 'ChecksFailed: 2025-12-02 is broken' },
    })
  })

  test('nobody is told of a run that was cancelled', async () => {
    const date = '2025-12-03'
    const run = await start('sample_callbacks', date)
    await vi.waitUntil(() => sample.gates.has(date) && toldOf(date).length === 2, {
      timeout: 20_000,
    })
    await run.cancel()
    await expect(run.result()).rejects.toThrow()
    expect([...sample.failures, ...sample.successes].filter((one) => one.date === date)).toEqual([])
    expect(toldOf(date).toSorted()).toEqual(['idle skipped', 'quick success'])
  })
})

describe('a callback', () => {
  test('that fails changes no end, and the ledger says so', async () => {
    const { tasks } = await (await start('sample_bad_callbacks', '2025-12-04')).result()
    expect(tasks).toEqual({ one: 'success', two: 'success' })
    expect(await errorOf('sample_bad_callbacks/2025-12-04')).toEqual({
      state: 'success',
      error: 'success; telling of it failed too: the pager is on fire',
    })
  })

  test('holds up no task, but the end of the run; a worker that is replaced loses none', async () => {
    const date = '2025-12-05'
    const run = await start('sample_slow_callback', date)
    await vi.waitUntil(() => sample.calls.includes(`${date} two 1`), { timeout: 20_000 })
    await vi.waitUntil(() => sample.gates.has(date), { timeout: 20_000 })
    expect((await run.describe()).status.name).toBe('RUNNING')
    sample.gates.delete(date)
    await sample.restart()
    await open(date)
    await run.result()
    expect(toldOf(date)).toEqual(['one success'])
  })
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
