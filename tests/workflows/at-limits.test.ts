import type { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { decideUpdate } from '../../dag/run-loop/interventions.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import { replay } from './replay-histories.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
  await sample.database.db.query("insert into audit.pools values ('yield', 1), ('mapped', 3)")
})
afterAll(() => sample.stop())

const soon = { timeout: 40_000, interval: 20 }

function start(dagId: string, date: string, params?: unknown): Promise<RunHandle> {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId, date, taskQueue, ...(params === undefined ? {} : { params }) })
}

const whyOf = (run: RunHandle, task: string) => run.query<string, [string]>('why', task)

async function isHeld(date: string): Promise<void> {
  await vi.waitUntil(() => sample.gates.has(date), soon)
}

async function holders(pool: string): Promise<string[]> {
  const { rows } = await sample.database.db.query<{ workflow_id: string }>(
    `select workflow_id from audit.slot_requests where pool = $1 and granted_at is not null`,
    [pool],
  )
  return rows.map((row) => row.workflow_id)
}

async function attemptsOf(run: RunHandle, taskId: string): Promise<[number, string][]> {
  const { rows } = await sample.database.db.query<{ attempt: number; state: string }>(
    `select attempt, state from audit.task_runs where run_key = $1 and task_id = $2 order by attempt`,
    [run.workflowId, taskId],
  )
  return rows.map(({ attempt, state }) => [attempt, state])
}

async function differencesOnReplay(...workflowIds: string[]): Promise<Record<string, string>> {
  const histories = await Promise.all(
    workflowIds.map(async (workflowId) => ({
      workflowId,
      history: await sample.temporal.client.workflow.getHandle(workflowId).fetchHistory(),
    })),
  )
  return replay(sampleWorkflowsPath, histories)
}

async function expectNothingHeld(...runs: RunHandle[]): Promise<void> {
  const { rows } = await sample.database.db.query(
    `select workflow_id, task_id, holder, granted_at from audit.slot_requests
     where workflow_id like any ($1)`,
    [runs.map(({ workflowId }) => `${workflowId}%`)],
  )
  expect(rows).toEqual([])
}

describe('AT-Q1 a task', () => {
  test('has no slot between its tries, and waits for one again before the next', async () => {
    const yields = await start('sample_yield', '2025-05-01')
    await vi.waitUntil(() => sample.calls.includes('2025-05-01 flaky 1'), soon)
    const takes = await start('sample_taker', '2025-05-02')
    await isHeld('2025-05-02')
    expect(await holders('yield')).toEqual(['sample_taker/2025-05-02'])
    await vi.waitUntil(async () => (await whyOf(yields, 'flaky')).includes('queued'), soon)
    expect(await whyOf(yields, 'flaky')).toBe('flaky is queued (pool yield: 1 slots are not free)')
    sample.gates.get('2025-05-02')?.()
    await Promise.all([yields.result(), takes.result()])
    expect(await attemptsOf(yields, 'flaky')).toEqual([
      [1, 'failed'],
      [2, 'success'],
    ])
    await expectNothingHeld(yields, takes)
    expect(await differencesOnReplay(yields.workflowId, takes.workflowId)).toEqual({})
  })

  test('has no more tries because it waited for slots between them', async () => {
    sample.broken.add('2025-05-03')
    const yields = await start('sample_yield', '2025-05-03')
    await vi.waitUntil(() => sample.calls.includes('2025-05-03 flaky 1'), soon)
    const takes = await start('sample_taker', '2025-05-04')
    await isHeld('2025-05-04')
    await vi.waitUntil(async () => (await whyOf(yields, 'flaky')).includes('queued'), soon)
    sample.gates.get('2025-05-04')?.()
    const error: WorkflowFailedError = await yields.result().then(
      () => expect.fail('it did not fail'),
      (caught: WorkflowFailedError) => caught,
    )
    expect(error.cause?.message).toContain('flaky failed (try 2 fails)')
    expect(await attemptsOf(yields, 'flaky')).toEqual([
      [1, 'failed'],
      [2, 'failed'],
    ])
    await takes.result()
    await expectNothingHeld(yields, takes)
  })

  test('that is a sensor has its slot only while it looks, and waiting for it costs no event', async () => {
    const looks = await start('sample_looker', '2025-05-05')
    const looksOf = () => sample.calls.filter((call) => call.startsWith('2025-05-05 look')).length
    await vi.waitUntil(() => looksOf() > 2, soon)
    const takes = await start('sample_taker', '2025-05-06')
    await isHeld('2025-05-06')
    const isWaiting = async () => {
      const { rows } = await sample.database.db.query(
        `select 1 from audit.slot_requests where task_id = 'look' and granted_at is null`,
      )
      return rows.length === 1
    }
    await vi.waitUntil(isWaiting, soon)
    const before = looksOf()
    sample.arrived.add('2025-05-05')
    expect(await holders('yield')).toEqual(['sample_taker/2025-05-06'])
    expect(looksOf()).toBe(before)
    const { historyLength } = await looks.describe()
    expect(historyLength).toBeLessThan(12)
    sample.gates.get('2025-05-06')?.()
    await Promise.all([looks.result(), takes.result()])
    expect(await attemptsOf(looks, 'look')).toEqual([[1, 'success']])
    await expectNothingHeld(looks, takes)
  })

  test('that is a sensor gets the slot of a run that was terminated', async () => {
    const looks = await start('sample_looker', '2025-05-07')
    await vi.waitUntil(() => sample.calls.some((call) => call.startsWith('2025-05-07 look')), soon)
    const takes = await start('sample_taker', '2025-05-08')
    await isHeld('2025-05-08')
    await takes.terminate()
    sample.arrived.add('2025-05-07')
    await looks.result()
    await expectNothingHeld(looks)
  })
})

describe('AT-Q2 the instances of a mapped task', () => {
  const count = 40

  test('take slots of their pool one by one, the lowest index first', async () => {
    const run = await start('sample_mapped_pool', '2025-05-09', { count })
    await run.result()
    expect(sample.nappers.get('2025-05-09')?.most).toBe(3)
    const order = sample.mapped
      .filter((one) => one.startsWith('2025-05-09'))
      .map((one) => Number(/\[(\d+)\]/.exec(one)?.[1]))
    // Those that run at once may begin in any order.
    for (const [at, index] of order.entries()) expect(Math.abs(index - at)).toBeLessThan(3)
    await expectNothingHeld(run)
    expect(await differencesOnReplay(run.workflowId)).toEqual({})
  })

  test('give them back between their tries', async () => {
    sample.broken.add('2025-05-10 items')
    const run = await start('sample_mapped_pool', '2025-05-10', { count })
    await run.result()
    expect(sample.nappers.get('2025-05-10')?.most).toBe(3)
    await expectNothingHeld(run)
    expect(await differencesOnReplay(run.workflowId)).toEqual({})
  })

  test('take them also in pages, and leave none when the run is cancelled', async () => {
    const run = await start('sample_mapped_pool', '2025-05-11', { count: 510 })
    const begun = () => sample.mapped.filter((one) => one.startsWith('2025-05-11')).length
    await vi.waitUntil(() => begun() > 10, soon)
    await run.cancel()
    await expect(run.result()).rejects.toThrow()
    expect(sample.nappers.get('2025-05-11')?.most).toBe(3)
    await expectNothingHeld(run)
    const ids = [run.workflowId, `${run.workflowId}/each/0`]
    expect(await differencesOnReplay(...ids)).toEqual({})
  })

  test('give back what a terminated run held in its pages', async () => {
    const run = await start('sample_mapped_pool', '2025-05-12', { count: 510 })
    const begun = () => sample.mapped.filter((one) => one.startsWith('2025-05-12')).length
    await vi.waitUntil(() => begun() > 10, soon)
    await run.terminate()
    const next = await start('sample_mapped_pool', '2025-05-13', { count: 6 })
    await next.result()
  })
})

describe('AT-Q4 limits', () => {
  test('max_active_tasks counts the instances of mapped tasks', async () => {
    const run = await start('sample_mapped_narrow', '2025-05-15', { count: 20 })
    await run.result()
    expect(sample.nappers.get('2025-05-15')?.most).toBe(3)
    expect(await differencesOnReplay(run.workflowId)).toEqual({})
  })

  test('max_active_tasks counts those in pages too', async () => {
    const run = await start('sample_mapped_wide', '2025-05-16', { count: 505 })
    await run.result()
    expect(sample.nappers.get('2025-05-16')?.most).toBeLessThanOrEqual(20)
    expect(await differencesOnReplay(run.workflowId, `${run.workflowId}/each/0`)).toEqual({})
  })

  test('max_active_tis_per_dagrun holds within a run, max_active_tis_per_dag over all of them', async () => {
    const one = await start('sample_mapped_tis', '2025-05-17', { count: 20 })
    const other = await start('sample_mapped_tis', '2025-05-18', { count: 20 })
    const most = { count: 0 }
    const napping = () =>
      ['2025-05-17', '2025-05-18'].map((date) => sample.nappers.get(date)?.now ?? 0)
    const watch = setInterval(() => {
      const [first = 0, second = 0] = napping()
      most.count = Math.max(most.count, first + second)
    }, 2)
    await Promise.all([one.result(), other.result()])
    clearInterval(watch)
    expect(sample.nappers.get('2025-05-17')?.most).toBeLessThanOrEqual(2)
    expect(sample.nappers.get('2025-05-18')?.most).toBeLessThanOrEqual(2)
    expect(most.count).toBeLessThanOrEqual(3)
    await expectNothingHeld(one, other)
    expect(await differencesOnReplay(one.workflowId, other.workflowId)).toEqual({})
  })

  test('max_active_tis_per_dag counts a sensor between its looks, and an approval', async () => {
    const first = await start('sample_tis', '2025-05-19')
    await vi.waitUntil(async () => (await holders('task:sample_tis.look')).length === 1, soon)
    await vi.waitUntil(async () => (await holders('task:sample_tis.sign')).length === 1, soon)
    const second = await start('sample_tis', '2025-05-20')
    await vi.waitUntil(async () => (await whyOf(second, 'look')).includes('queued'), soon)
    await vi.waitUntil(async () => (await whyOf(second, 'sign')).includes('queued'), soon)
    expect(await whyOf(second, 'look')).toBe('look is queued (max_active_tis_per_dag of look is 1)')
    for (const date of ['2025-05-19', '2025-05-20']) sample.arrived.add(date)
    const decision = { task: 'sign', decision: 'approve', by: 'ada' } as const
    await first.executeUpdate(decideUpdate, { args: [decision] })
    await first.result()
    await vi.waitUntil(async () => !(await whyOf(second, 'sign')).includes('queued'), soon)
    await second.executeUpdate(decideUpdate, { args: [decision] })
    await second.result()
    await expectNothingHeld(first, second)
    expect(await differencesOnReplay(first.workflowId, second.workflowId)).toEqual({})
  })

  test('a pool that is smaller than what an instance asks for fails it, in words', async () => {
    await sample.database.db.query("insert into audit.pools values ('tight', 1)")
    const run = await start('sample_mapped_tis', '2025-05-21', { count: 3 })
    const error: WorkflowFailedError = await run.result().then(
      () => expect.fail('it did not fail'),
      (caught: WorkflowFailedError) => caught,
    )
    expect(error.cause?.message).toContain(
      '3 of 3 instances failed: [0] PoolTooSmall: each[0] asks',
    )
    await expectNothingHeld(run)
  })
})
