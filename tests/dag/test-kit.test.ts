import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import { after, fails, skips, testRun } from '../../dag/testing/test-run.ts'

interface Activities {
  extract(input: { date: string; region?: string }): Promise<{ rows: number }>
  load(input: { rows: number | undefined }): Promise<void>
  choose(input: { date: string }): Promise<'left' | 'right'>
  isOpen(input: { date: string }): Promise<boolean>
  findFile(input: { date: string }): Promise<{ rows: number } | null>
  tell(input: { dagId: string; date: string }): Promise<void>
}
const act = activityRefs<Activities>()
const daily = {
  schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
  ...{ startDate: '2025-01-01', catchup: true, maxActiveRuns: 1 },
} as const
const minute = 60_000
const hour = 60 * minute

const chain = defineDag(
  { id: 'chain', ...daily, retries: 2, retryDelay: '10 minutes', retryBackoff: 2 },
  ({ task, date }) => {
    const raw = task('extract', act.extract, { date })
    task('load', act.load, { rows: raw.output.rows })
  },
)

describe('a DAG of one chain', () => {
  test('runs with fakes, which get the inputs that the DAG wires', async () => {
    const run = await testRun(chain, {
      date: '2025-12-13',
      fakes: { extract: ({ date }: { date: string }) => ({ rows: date.length }), load: null },
    })
    expect(run).toMatchObject({
      ...{ state: 'success', summary: 'success', elapsedMs: 0, order: ['extract', 'load'] },
      tasks: { extract: 'success', load: 'success' },
      inputs: { extract: { date: '2025-12-13' }, load: { rows: 10 } },
      attempts: { extract: 1, load: 1 },
    })
  })

  test('waits its delays between tries on a clock that leaps', async () => {
    const extract = (_: unknown, { attempt }: { attempt: number }) => {
      if (attempt < 3) throw new Error('no route to the shop')
      return after('5 minutes', { rows: attempt })
    }
    const run = await testRun(chain, { fakes: { extract, load: null } })
    expect(run).toMatchObject({ state: 'success', attempts: { extract: 3 } })
    // The first wait is 10 to 20 minutes, the second 20 to 40: which, the date and the task decide.
    expect(run.elapsedMs).toBeGreaterThanOrEqual((10 + 20 + 5) * minute)
    expect(run.elapsedMs).toBeLessThan((20 + 40 + 5) * minute)
    expect(run.inputs['load']).toEqual({ rows: 3 })
  })

  test('fails when the tries are used up, and says why', async () => {
    const run = await testRun(chain, { fakes: { extract: fails('no route') } })
    expect(run.tasks).toEqual({ extract: 'failed', load: 'upstream_failed' })
    expect(run).toMatchObject({ state: 'failed', attempts: { extract: 3 } })
    expect(run.summary).toBe('extract failed (no route); so load did not run')
    expect(run.why('load')).toBe(
      'load is upstream_failed (all_success: extract failed); because extract is failed (no route)',
    )
  })

  test('does not try again what is said to be of no use', async () => {
    const extract = fails('no such shop', { type: 'MissingSource', nonRetryable: true })
    const run = await testRun(chain, { fakes: { extract } })
    expect(run).toMatchObject({ attempts: { extract: 1 }, elapsedMs: 0 })
    expect(run.reasons['extract']).toBe('MissingSource: no such shop')
  })

  test('tries again an attempt that takes too long', async () => {
    const run = await testRun(chain, { fakes: { extract: after('2 hours', { rows: 1 }) } })
    expect(run).toMatchObject({ attempts: { extract: 3 }, tasks: { extract: 'failed' } })
    expect(run.reasons['extract']).toBe('its attempt took longer than 3600 s')
  })

  test('skips a task whose activity finds nothing to do', async () => {
    const run = await testRun(chain, { fakes: { extract: skips('a holiday') } })
    expect(run.tasks).toEqual({ extract: 'skipped', load: 'skipped' })
    expect(run).toMatchObject({ state: 'success', reasons: { extract: 'a holiday' } })
  })

  test('gives outputs as Temporal would hand them on', async () => {
    const extract = { rows: undefined, at: new Date('2025-12-13T10:00:00Z') }
    const run = await testRun(chain, { fakes: { extract, load: null } })
    expect(run.outputs['extract']).toEqual({ at: '2025-12-13T10:00:00.000Z' })
    expect(run.inputs['load']).toEqual({})
  })
})

describe('a mistake in a test is named', () => {
  test('a fake for a task that the DAG does not have', async () => {
    await expect(testRun(chain, { fakes: { extrakt: 1 } })).rejects.toThrow(
      'There are fakes for extrakt; chain takes fakes for extract, load',
    )
  })

  test('a task that starts without a fake', async () => {
    await expect(testRun(chain, { fakes: { extract: { rows: 1 } } })).rejects.toThrow(
      "chain: load starts and has no fake; give fakes.load what load returns, or say others: 'succeed'",
    )
    expect((await testRun(chain, { others: 'succeed' })).state).toBe('success')
  })

  test('a day that has not ended, params that do not fit, a now that is no time', async () => {
    const params = z.object({ region: z.string() })
    const regional = defineDag({ id: 'regional', ...daily, params }, ({ task, date, params }) => {
      task('extract', act.extract, { date, region: params.region })
    })
    await expect(testRun(chain, { now: '2025-01-01T12:00:00Z' })).rejects.toThrow(
      '2025-01-01 has not ended yet',
    )
    await expect(testRun(chain, { now: 'noon' })).rejects.toThrow('now is "noon", which is no')
    await expect(testRun(regional)).rejects.toThrow('the params do not fit: region')
    const run = await testRun(regional, { params: { region: 'north' }, others: 'succeed' })
    expect(run.inputs['extract']).toEqual({ date: '2025-01-01', region: 'north' })
  })

  test('something to be done after the end of the run', async () => {
    const meanwhile = [{ at: '1 hour', cancel: true }] as const
    await expect(testRun(chain, { others: 'succeed', meanwhile })).rejects.toThrow(
      'The run ended after 0 s, before what was to be done at 1 hour',
    )
  })
})

describe('what decides about other tasks', () => {
  const gates = defineDag({ id: 'gates', ...daily }, (build) => {
    const { branch, task, shortCircuit, latestOnly, approval, date } = build
    const choice = branch('choice', act.choose, { date }, ['left', 'right'])
    const left = task('left', act.extract, { date }, { after: [choice] })
    const right = task('right', act.extract, { date }, { after: [choice] })
    const rows = { rows: left.output.rows }
    task('join', act.load, rows, { after: [right], rule: 'none_failed_min_one_success' })
    const gate = shortCircuit('gate', act.isOpen, { date })
    task('behind', act.extract, { date }, { after: [gate] })
    const newest = latestOnly('newest')
    task('mail', act.extract, { date }, { after: [newest] })
    const sign = approval('sign', { waitAtMost: '1 day', onTimeout: 'skip' })
    task('pay', act.extract, { date }, { after: [sign] })
  })
  const open = { choice: 'left', gate: true, sign: 'approve' }

  test('a branch, a short circuit and an approval follow their fakes', async () => {
    const all = await testRun(gates, { fakes: open, others: 'succeed' })
    expect(all.tasks).toMatchObject({ left: 'success', right: 'skipped', join: 'success' })
    expect(all.tasks).toMatchObject({ behind: 'success', mail: 'success', pay: 'success' })
    const fakes = { choice: 'right', gate: false, sign: after('3 hours', 'reject') }
    const few = await testRun(gates, { fakes, others: 'succeed' })
    expect(few.tasks).toMatchObject({ left: 'skipped', right: 'success', join: 'success' })
    expect(few.tasks).toMatchObject({ behind: 'skipped', sign: 'success', pay: 'skipped' })
    expect(few.inputs['join']).toEqual({})
    expect(few.elapsedMs).toBe(3 * hour)
    expect(few.outputs['sign']).toEqual({
      ...{ task: 'sign', decision: 'reject' },
      by: 'test',
      reason: '',
    })
  })

  test('AT-N6 latest-only passes until the next interval has ended, and for people always', async () => {
    const mail = async (now: string, trigger: 'schedule' | 'backfill' | 'manual') => {
      const options = { fakes: open, others: 'succeed', date: '2025-12-13', trigger, now } as const
      return (await testRun(gates, options)).tasks['mail']
    }
    expect(await mail('2025-12-15T00:00:00Z', 'schedule')).toBe('success')
    expect(await mail('2025-12-15T00:00:01Z', 'schedule')).toBe('skipped')
    expect(await mail('2025-12-14T02:00:00Z', 'backfill')).toBe('success')
    expect(await mail('2025-12-20T02:00:00Z', 'backfill')).toBe('skipped')
    expect(await mail('2025-12-20T02:00:00Z', 'manual')).toBe('success')
  })

  test('nobody decides where an approval has no fake', async () => {
    const extract = { rows: 1 }
    const fakes = { ...{ choice: 'left', left: extract, gate: false }, mail: extract, join: null }
    const run = await testRun(gates, { fakes })
    expect(run.tasks).toMatchObject({ sign: 'skipped', pay: 'skipped' })
    expect(run.reasons['sign']).toBe('nothing came within 86400 s (nobody decided)')
    expect(run.elapsedMs).toBe(24 * hour)
  })
})

describe('a sensor', () => {
  const waiting = (onTimeout: 'fail' | 'skip') =>
    defineDag({ id: 'waiting', ...daily }, ({ sensor, task, date }) => {
      const wait = { pokeInterval: '10 minutes', waitAtMost: '1 hour', onTimeout } as const
      const file = sensor('file', act.findFile, { date }, wait)
      task('load', act.load, { rows: file.output.rows })
    })

  test('looks at its interval until it finds something', async () => {
    const file = (_: unknown, { attempt }: { attempt: number }) =>
      attempt < 4 ? null : { rows: 7 }
    const run = await testRun(waiting('fail'), { fakes: { file, load: null } })
    expect(run).toMatchObject({ elapsedMs: 30 * minute, attempts: { file: 4 } })
    expect(run.inputs['load']).toEqual({ rows: 7 })
  })

  test('fails or skips when its time is up', async () => {
    const failed = await testRun(waiting('fail'), { fakes: { file: false } })
    expect(failed.tasks).toEqual({ file: 'failed', load: 'upstream_failed' })
    expect(failed).toMatchObject({ elapsedMs: hour, attempts: { file: 7 } })
    const skipped = await testRun(waiting('skip'), { fakes: { file: false } })
    expect(skipped.tasks).toEqual({ file: 'skipped', load: 'skipped' })
    expect(skipped.reasons['file']).toBe('nothing came within 3600 s (NotYet: not there yet)')
  })
})

describe('the limits of a run', () => {
  test('maxActiveTasks: the others wait, first come first served', async () => {
    const dag = defineDag({ id: 'narrow', ...daily, maxActiveTasks: 2 }, ({ task, date }) => {
      for (const id of ['one', 'two', 'three', 'four']) task(id, act.extract, { date })
    })
    const [slow, fast] = [after('3 hours'), after('1 hour')]
    const run = await testRun(dag, { fakes: { one: slow, two: fast, three: fast, four: fast } })
    expect(run.order).toEqual(['one', 'two', 'three', 'four'])
    // Attempts of three hours take longer than a task may: all of it is over after one.
    expect(run).toMatchObject({ tasks: { one: 'failed', four: 'success' }, elapsedMs: 2 * hour })
  })

  test('AT-R5 runTimeout: the run fails, what has not ended is skipped', async () => {
    const dag = defineDag({ id: 'slow', ...daily, runTimeout: '30 minutes' }, ({ task, date }) => {
      const raw = task('extract', act.extract, { date })
      task('load', act.load, { rows: raw.output.rows })
    })
    const run = await testRun(dag, { fakes: { extract: after('40 minutes') } })
    expect(run).toMatchObject({ state: 'failed', summary: 'the run took longer than 1800 s' })
    expect(run.tasks).toEqual({ extract: 'skipped', load: 'skipped' })
    expect(run.elapsedMs).toBe(30 * minute)
  })

  test('AT-R6 fail fast: running tasks fail, others are skipped, teardowns run', async () => {
    const dag = defineDag({ id: 'fast', ...daily, failFast: true }, (build) => {
      const { setup, task, teardown, date } = build
      const create = setup('create', act.extract, { date })
      const bad = task('bad', act.extract, { date }, { after: [create] })
      const slow = task('slow', act.extract, { date }, { after: [create] })
      const later = task('later', act.extract, { date }, { after: [bad] })
      teardown('destroy', act.extract, { date }, { setups: [create], after: [slow, later] })
    })
    const fakes = { bad: fails('broken'), slow: after('20 minutes') }
    const run = await testRun(dag, { fakes, others: 'succeed' })
    expect(run.tasks).toEqual({
      ...{ create: 'success', bad: 'failed', slow: 'failed', later: 'skipped' },
      destroy: 'success',
    })
    expect(run).toMatchObject({ state: 'failed', elapsedMs: 0 })
    expect(run.why('slow')).toBe(
      'slow is failed (bad failed, and this DAG fails fast); because bad is failed (broken)',
    )
  })
})

describe('people', () => {
  test('AT-X5 clear a running task: it is stopped and begins anew', async () => {
    const meanwhile = [{ at: '5 minutes', clear: { tasks: ['extract'] } }] as const
    const extract = (_: unknown, { cleared }: { cleared: number }) =>
      after('10 minutes', { rows: cleared })
    const run = await testRun(chain, { fakes: { extract, load: null }, meanwhile })
    expect(run).toMatchObject({ elapsedMs: 15 * minute, order: ['extract', 'extract', 'load'] })
    expect(run.inputs['load']).toEqual({ rows: 1 })
  })

  test('mark a task that runs: the run goes on without it', async () => {
    const meanwhile = [{ at: '5 minutes', mark: ['extract'], as: 'success' }] as const
    const fakes = { extract: after('10 minutes', { rows: 1 }), load: null }
    const run = await testRun(chain, { fakes, meanwhile })
    expect(run).toMatchObject({ state: 'success', elapsedMs: 5 * minute })
    expect(run.reasons['extract']).toBe('marked by the test')
    expect(run.inputs['load']).toEqual({})
  })

  test('cancel the run', async () => {
    const meanwhile = [{ at: '5 minutes', cancel: true }] as const
    const run = await testRun(chain, { fakes: { extract: after('10 minutes') }, meanwhile })
    expect(run).toMatchObject({ state: 'cancelled', elapsedMs: 5 * minute })
    expect(run.tasks).toEqual({ extract: 'cancelled', load: 'cancelled' })
  })

  test('repair an ended run: what had succeeded is kept, with its output', async () => {
    const fakes = { extract: { rows: 3 }, load: fails('no table', { nonRetryable: true }) }
    const failed = await testRun(chain, { fakes, date: '2025-12-13' })
    const run = await testRun(chain, { fakes: { load: null }, repairs: { run: failed } })
    expect(run).toMatchObject({ date: '2025-12-13', state: 'success', order: ['load'] })
    expect(run.inputs).toEqual({ load: { rows: 3 } })
  })
})
