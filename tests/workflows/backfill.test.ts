import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addDays, lastCompleteDate } from '../../dag/calendar.ts'
import type { StartBackfillInput } from '../../schedules/start-backfill.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { BackfillProgress } from '../../workflows/run-days.ts'
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

function outcomes({ days }: BackfillProgress) {
  return days.map(({ date, outcome }) => `${date} ${outcome}`)
}

function daysThatRan(prefix: string): string[] {
  const first = sample.calls.filter(
    (call) => call.startsWith(prefix) && / (first|gate) /.test(call),
  )
  return first.map((call) => call.slice(0, 10))
}

async function failureMessage(result: Promise<unknown>): Promise<string> {
  return result.then(
    () => expect.fail('it did not fail'),
    (error: { cause: Error }) => error.cause.message,
  )
}

const range = (month: string) => ({
  dagId: 'sample_chain',
  from: `${month}-01`,
  to: `${month}-04`,
})

describe('a backfill', () => {
  test('runs every day of the range, both ends included, oldest first', async () => {
    const result = await (await backfill(range('2025-03'))).result()
    expect(result).toMatchObject({ done: 4, total: 4 })
    expect(daysThatRan('2025-03')).toEqual(['2025-03-01', '2025-03-02', '2025-03-03', '2025-03-04'])
    const { rows } = await sample.database.db.query(
      `select distinct trigger, state from audit.pipeline_runs where run_key like 'sample_chain/2025-03-%'`,
    )
    expect(rows).toEqual([{ trigger: 'backfill', state: 'success' }])
  })

  test('runs newest first when asked to', async () => {
    await (await backfill({ ...range('2025-04'), order: 'newest_first' })).result()
    expect(daysThatRan('2025-04')).toEqual(['2025-04-04', '2025-04-03', '2025-04-02', '2025-04-01'])
  })

  test('leaves days to an earlier one that has them, and names it; others run beside it', async () => {
    const gate = { dagId: 'sample_gate', concurrency: 1 }
    const earlier = await backfill({ ...gate, from: '2025-02-01', to: '2025-02-02' })
    await vi.waitUntil(() => sample.gates.has('2025-02-01'), { timeout: 20_000 })
    const later = await backfill({ ...gate, from: '2025-02-02', to: '2025-02-03' })
    await vi.waitUntil(() => sample.gates.has('2025-02-03'), { timeout: 20_000 })
    for (const date of ['2025-02-03', '2025-02-01']) sample.gates.get(date)?.()
    const result = await later.result()
    expect(outcomes(result)).toEqual(['2025-02-02 skipped', '2025-02-03 success'])
    expect(result.days[0]?.reason).toBe(`in flight: ${earlier.workflowId} has it`)
    await vi.waitUntil(() => sample.gates.has('2025-02-02'), { timeout: 20_000 })
    sample.gates.get('2025-02-02')?.()
    expect(outcomes(await earlier.result())).toEqual(['2025-02-01 success', '2025-02-02 success'])
  })

  test('goes on after a failed day, fails at the end and names it', async () => {
    sample.broken.add('2025-05-02')
    const message = await failureMessage((await backfill(range('2025-05'))).result())
    expect(message).toMatch(
      /^1 of 4 days failed: 2025-05-02\. First: sample_chain\/2025-05-02 failed/,
    )
    expect(daysThatRan('2025-05')).toHaveLength(4)
  })

  test.each([
    ['failed', ['skipped', 'success', 'skipped', 'skipped']],
    ['none', ['skipped', 'skipped', 'skipped', 'skipped']],
    ['all', ['success', 'success', 'success', 'success']],
    ['completed', ['success', 'success', 'success', 'success']],
  ] as const)(
    'with reprocess %s treats days that have run as Airflow does',
    async (which, expected) => {
      if (which === 'failed') sample.broken.delete('2025-05-02')
      const result = await (await backfill({ ...range('2025-05'), reprocess: which })).result()
      expect(result.days.map((day) => day.outcome)).toEqual(expected)
      const skipped = result.days.filter((day) => day.outcome === 'skipped')
      expect(skipped.every((day) => day.reason === 'already exists (success)')).toBe(true)
    },
  )

  test('leaves a day alone that another execution is running', async () => {
    const { client, taskQueue } = sample.temporal
    const other = await startRun(client, { dagId: 'sample_gate', date: '2025-06-01', taskQueue })
    await vi.waitUntil(() => sample.gates.has('2025-06-01'))
    const days = { dagId: 'sample_gate', from: '2025-06-01', to: '2025-06-01' }
    const result = await (await backfill(days)).result()
    expect(result.days[0]).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('in flight'),
    })
    sample.gates.get('2025-06-01')?.()
    await other.result()
  })

  test('runs as many days at once as asked, pauses, resumes, and is cancelled between days', async () => {
    const days = { dagId: 'sample_gate', from: '2025-07-01', to: '2025-07-05', concurrency: 2 }
    const handle = await backfill(days)
    await vi.waitUntil(() => sample.gates.has('2025-07-01') && sample.gates.has('2025-07-02'))
    await handle.signal('pause')
    sample.gates.get('2025-07-01')?.()
    await vi.waitFor(async () => {
      const progress = await handle.query<BackfillProgress>('progress')
      expect(progress).toMatchObject({ done: 1, isPaused: true })
    })
    expect(sample.gates.has('2025-07-03')).toBe(false)
    await handle.signal('resume')
    await vi.waitUntil(() => sample.gates.has('2025-07-03'))
    await handle.signal('cancel')
    sample.gates.get('2025-07-02')?.()
    sample.gates.get('2025-07-03')?.()
    expect(outcomes(await handle.result())).toEqual([
      ...['2025-07-01 success', '2025-07-02 success', '2025-07-03 success'],
      ...['2025-07-04 skipped', '2025-07-05 skipped'],
    ])
  })

  test('that is cancelled lets its running day finish', async () => {
    const handle = await backfill({ dagId: 'sample_gate', from: '2025-08-01', to: '2025-08-02' })
    await vi.waitUntil(() => sample.gates.has('2025-08-01'))
    await handle.cancel()
    sample.gates.get('2025-08-01')?.()
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } })
    expect(sample.gates.has('2025-08-02')).toBe(false)
    const run = sample.temporal.client.workflow.getHandle('sample_gate/2025-08-01')
    await expect(run.result()).resolves.toMatchObject({ state: 'success' })
  })

  test('leaves out days that have not ended, and says so', async () => {
    const yesterday = lastCompleteDate(Date.now(), 'UTC')
    const days = { dagId: 'sample_chain', from: addDays(yesterday, -1), to: addDays(yesterday, 3) }
    const result = await (await backfill(days)).result()
    expect(outcomes(result)).toEqual([
      ...[`${addDays(yesterday, -1)} success`, `${yesterday} success`],
      ...[1, 2, 3].map((days) => `${addDays(yesterday, days)} skipped`),
    ])
    expect(result.days[2]?.reason).toBe('it has not ended yet in UTC')
  })

  test.each([
    [{ dagId: 'sample_chain', from: '2025-02-02', to: '2025-02-01' }, /first day .* is after/],
    [{ dagId: 'sample_chain', from: '2099-01-01', to: '2099-01-02' }, /no day .* has ended/],
    [{ dagId: 'sample_chain', from: '2025-02-30', to: '2025-03-01' }, /from: no day of the cal/],
    [{ dagId: 'sample_chain', from: '2010-01-01', to: '2025-01-01' }, /longer than ten years/],
    [{ dagId: 'no_dag', from: '2025-02-01', to: '2025-02-01' }, /no DAG no_dag; there are sample_/],
    [
      { dagId: 'sample_chain', from: '2025-02-01', to: '2025-02-01', concurrency: 0 },
      /concurrency/,
    ],
  ])('of %o is refused in words', async (input, words) => {
    expect(await failureMessage((await backfill(input)).result())).toMatch(words)
  })
})
