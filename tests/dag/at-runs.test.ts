import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dateForScheduledTime,
  datesBetween,
  dueMs,
  intervalOf,
  lastCompleteDate,
} from '../../dag/calendar.ts'
import { parseDailyCron } from '../../dag/cron.ts'
import type { Dag } from '../../dag/define-dag.ts'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import { BackfillInput, planBackfill, reasonToSkip } from '../../dag/plan-backfill.ts'
import { after, fails, skips, testRun } from '../../dag/testing/test-run.ts'
import { weightRules } from '../../dag/priority-weights.ts'

interface Activities {
  work(input: { date: string }): Promise<void>
  list(input: { date: string }): Promise<string[]>
  load(input: { file: string }): Promise<void>
  tell(input: { dagId: string; date: string; reason: string }): Promise<void>
}
const act = activityRefs<Activities>()
const daily = {
  schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
  ...{ startDate: '2025-01-01', catchup: true, maxActiveRuns: 1 },
} as const
const minute = 60_000

test('AT-R1 a run whose fate is clear is not decided before its last task has ended', async () => {
  const dag = defineDag({ id: 'two', ...daily }, ({ task, date }) => {
    task('bad', act.work, { date })
    task('slow', act.work, { date })
  })
  const run = await testRun(dag, { fakes: { bad: fails('broken'), slow: after('40 minutes') } })
  expect(run.tasks).toEqual({ bad: 'failed', slow: 'success' })
  expect(run).toMatchObject({ state: 'failed', elapsedMs: 40 * minute })
})

test('AT-R5 who is told of failures is told that the run took too long', async () => {
  const dag = defineDag(
    { id: 'slow', ...daily, runTimeout: '30 minutes', onFailure: act.tell },
    ({ task, date }) => {
      task('slow', act.work, { date })
    },
  )
  const run = await testRun(dag, { fakes: { slow: after('40 minutes') } })
  expect(run.inputs['on_failure']).toMatchObject({
    failedTasks: [],
    reason: 'the run took longer than 1800 s',
  })
})

test('AT-X5 a cleared task has all its tries again', async () => {
  const dag = defineDag({ id: 'tries', ...daily, retries: 2 }, ({ task, date }) => {
    task('bad', act.work, { date })
  })
  const fakes = { bad: fails('broken') }
  const failed = await testRun(dag, { fakes })
  const again = await testRun(dag, { fakes, repairs: { run: failed } })
  expect([failed.attempts['bad'], again.attempts['bad']]).toEqual([3, 3])
})

describe('AT-G4 a producer that runs again', () => {
  const dag = defineDag({ id: 'files', ...daily }, ({ task, map, date }) => {
    const listed = task('list', act.list, { date })
    map('load', act.load, listed.output, (file) => ({ file }))
  })

  test.each([[['a', 'b', 'c', 'd']], [['a']]])('and returns %j: all of it runs', async (list) => {
    const first = await testRun(dag, { fakes: { list: ['a', 'b'], load: null } })
    const clear = { tasks: ['list'] }
    const run = await testRun(dag, { fakes: { list, load: null }, repairs: { run: first, clear } })
    expect(run.inputs['load']).toEqual(list.map((file) => ({ file })))
    expect(run.states['load']?.instances).toMatchObject({ success: list.length, unfinished: 0 })
  })
})

test.each(weightRules)(
  'AT-Q5 a DAG gives its tasks the priorities of the rule %s',
  (weightRule) => {
    const dag = defineDag({ id: 'diamond', ...daily, weightRule }, ({ task, date }) => {
      const a = task('a', act.work, { date }, { pool: 'p' })
      const b = task('b', act.work, { date }, { pool: 'p', after: [a] })
      const c = task('c', act.work, { date }, { pool: 'p', after: [a] })
      task('d', act.work, { date }, { pool: 'p', after: [b, c] })
    })
    const expected = { downstream: [4, 2, 2, 1], upstream: [1, 2, 2, 4], absolute: [1, 1, 1, 1] }
    expect(dag.graph.tasks.map((task) => task.pool?.priority)).toEqual(expected[weightRule])
  },
)

test.each([
  ['downstream', [1 + 5 + 2, 2]],
  ['upstream', [1, 1 + 5 + 2]],
  ['absolute', [1, 2]],
] as const)(
  'AT-Q5 the priority of a task without a pool counts in that of others by the rule %s',
  (weightRule, expected) => {
    const dag = defineDag({ id: 'chain', ...daily, weightRule }, ({ task, approval, date }) => {
      const first = task('first', act.work, { date }, { pool: 'p' })
      const sign = approval('sign', { after: [first], priority: 5 })
      task('last', act.work, { date }, { pool: 'p', priority: 2, after: [sign] })
    })
    const weights = dag.graph.tasks.map((task) => task.pool?.priority)
    expect(weights).toEqual([expected[0], undefined, expected[1]])
  },
)

describe('AT-Q1 what waits for a person or the clock', () => {
  test('takes no pool: it does not compile', () => {
    defineDag({ id: 'idle', ...daily }, ({ approval, latestOnly }) => {
      // @ts-expect-error an approval runs on no worker
      approval('sign', { pool: 'p' })
      // @ts-expect-error nor does a look at the clock
      latestOnly('latest', { pool: 'p', poolSlots: 2 })
    })
  })
})

describe('AT-Q4 max_active_tasks', () => {
  test('counts instances of mapped tasks, and no approval or sensor that waits', async () => {
    const options = { ...daily, maxActiveTasks: 2 }
    const dag = defineDag({ id: 'counts', ...options }, (build) => {
      const { task, map, approval, sensor, date } = build
      const listed = task('list', act.list, { date })
      approval('sign')
      sensor('look', act.list, { date })
      map('load', act.load, listed.output, (file) => ({ file }))
      task('beside', act.work, { date }, { after: [listed] })
    })
    const fakes = {
      ...{ list: ['a', 'b', 'c', 'd'], load: after('10 minutes', undefined) },
      ...{ beside: after('10 minutes', undefined), sign: after('25 minutes', 'approve') },
      look: after('25 minutes', ['a']),
    }
    const run = await testRun(dag, { fakes })
    expect(run).toMatchObject({ state: 'success', elapsedMs: 30 * minute })
    expect(run.order).toEqual(['list', 'sign', 'look', 'load', 'beside'])
  })
})

test('AT-Q4 limits of a task that mean nothing are refused, and so are names kept for them', () => {
  const build = () =>
    defineDag({ id: 'wrong', ...daily }, ({ task, map, date }) => {
      const listed = task('list', act.list, { date }, { maxActiveTisPerDag: 0, pool: 'task:x' })
      map('load', act.load, listed.output, (file) => ({ file }), { maxActiveTisPerDagrun: 1.5 })
    })
  expect(build).toThrow('list: maxActiveTisPerDag is 0; it must be a whole number from 1')
  expect(build).toThrow('load: maxActiveTisPerDagrun is 1.5; it must be a whole number from 1')
  expect(build).toThrow('list: "task:x" is no name for a pool')
})

test('AT-Y5 skipping uses up no tries, and is no failure', async () => {
  const dag = defineDag({ id: 'skipping', ...daily, retries: 5 }, ({ task, date }) => {
    task('idle', act.work, { date })
  })
  const run = await testRun(dag, { fakes: { idle: skips('nothing to do') } })
  expect(run).toMatchObject({ state: 'success', attempts: { idle: 1 }, tasks: { idle: 'skipped' } })
})

describe('AT-D3 a changed time of day', () => {
  const before = parseDailyCron('0 2 * * *')
  const changes = ['0 0 * * *', '30 14 * * *', '59 23 * * *'].map(parseDailyCron)

  test.each(changes)('to $timeOfDay leaves the intervals as they were', (cron) => {
    const dates = datesBetween('2026-01-01', '2026-12-30')
    for (const timeZone of ['America/New_York', 'Europe/Paris']) {
      const ticks = dates.map((date, at) => dueMs(date, at < 180 ? before : cron, timeZone))
      expect(ticks.map((ms) => dateForScheduledTime(ms, timeZone))).toEqual(dates)
      const ends = dates.map((date) => intervalOf(date, timeZone).endMs)
      const starts = dates.map((date) => intervalOf(date, timeZone).startMs)
      expect(starts.slice(1)).toEqual(ends.slice(0, -1))
    }
  })
})

test('AT-D3 a changed zone leaves out, or has twice, the hours between the two midnights', () => {
  const hoursBetween = (from: string, to: string) =>
    (intervalOf('2026-02-11', to).startMs - intervalOf('2026-02-10', from).endMs) / 3_600_000
  expect(hoursBetween('UTC', 'America/New_York')).toBe(5)
  expect(hoursBetween('UTC', 'Europe/Paris')).toBe(-1)
  expect(hoursBetween('America/New_York', 'America/New_York')).toBe(0)
})

test('AT-D5 a start without a date is for the last interval that is complete', () => {
  const nowMs = Date.parse('2026-03-25T01:00:00Z')
  expect(lastCompleteDate(nowMs, 'America/New_York')).toBe('2026-03-23')
})

test('AT-R6, AT-S1 where a DAG fails fast, a task that waits for its turn is skipped: it has not run', async () => {
  const options = { ...daily, failFast: true, maxActiveTasks: 1 }
  const dag = defineDag({ id: 'fast', ...options }, ({ task, date }) => {
    task('bad', act.work, { date })
    task('waiting', act.work, { date })
  })
  const run = await testRun(dag, {
    fakes: { bad: fails('it broke'), waiting: after('1 hour', undefined) },
  })
  expect(run.tasks).toEqual({ bad: 'failed', waiting: 'skipped' })
  expect(run.reasons['waiting']).toContain('bad failed')
})

describe('AT-B1 a day of a backfill', () => {
  test.each([
    [null, [undefined, undefined, undefined]],
    ['success', ['already exists (success)', 'already exists (success)', undefined]],
    ['failed', ['already exists (failed)', undefined, undefined]],
    ['running', ['in flight (running)', 'in flight (running)', 'in flight (running)']],
  ])('whose latest run is %s is left out or run as in Airflow', (state, expected) => {
    const found = (['none', 'failed', 'completed'] as const).map((one) => reasonToSkip(one, state))
    expect(found).toEqual(expected)
  })
})

describe('AT-B6, AT-B8 a backfill that makes no sense is refused before any run', () => {
  const planned = (dag: Dag, asked: object) =>
    planBackfill(
      dag,
      BackfillInput.parse({ dagId: dag.id, from: '2025-01-01', to: '2025-01-02', ...asked }),
      Date.parse('2025-01-02T00:00:00Z'),
    )

  test.each(['dependsOnPast', 'waitForDownstream'])(
    'AT-B6 with %s days cannot run newest first, nor be left as they failed',
    (past) => {
      const dag = defineDag({ id: 'past', ...daily }, ({ task, date }) => {
        task('load', act.work, { date }, { [past]: true })
      })
      for (const asked of [{ order: 'newest_first' }, { reprocess: 'none' }]) {
        const problem = expect.stringContaining('load depends on its past')
        expect(planned(dag, asked)).toMatchObject({ problem })
      }
      expect(planned(dag, {})).toMatchObject({
        days: [
          { date: '2025-01-01', reason: null },
          { date: '2025-01-02', reason: 'it has not ended yet in UTC' },
        ],
      })
    },
  )

  test('AT-B8 params that do not fit the DAG are refused in words', () => {
    const params = z.object({ times: z.int().max(3).default(1) })
    const dag = defineDag({ id: 'greeting', ...daily, params }, ({ task, date }) => {
      task('greet', act.work, { date })
    })
    expect(planned(dag, { params: { times: 4 } })).toMatchObject({
      problem: expect.stringMatching(/^the params do not fit greeting: times: .*3/),
    })
    expect(planned(dag, { params: { times: 3 } })).toMatchObject({ days: [{}, {}] })
  })
})
