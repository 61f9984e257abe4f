import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import type { Builder } from '../../dag/builder.ts'
import type { Dag } from '../../dag/define-dag.ts'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import type { Duration } from '../../dag/duration.ts'
import { taskOf } from '../../dag/graph.ts'
import { resolveInput } from '../../dag/resolve-input.ts'

interface Activities {
  extract(input: { date: string; files?: number }): Promise<{ rows: number; paths: string[] }>
  clean(input: { rows: number; date: string }): Promise<{ kept: number; note?: string }>
  join(input: { left: number | undefined; right?: number; date: string }): Promise<void>
  choose(input: { date: string }): Promise<'left' | 'right' | ('left' | 'right')[] | null>
  ping(): Promise<string>
  tell(input: { dagId: string; date: string }): Promise<void>
}
const act = activityRefs<Activities>()

const options = {
  id: 'a_dag',
  schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
  ...{ startDate: '2025-01-01', catchup: true, maxActiveRuns: 1 },
} as const

type AnyParams = Record<string, never>

function build(define: (builder: Builder<AnyParams>) => void): Dag {
  return defineDag<AnyParams>(options, define)
}

describe('the graph', () => {
  const dag = build(({ task, branch, date }) => {
    const choice = branch('choice', act.choose, { date }, ['left', 'right'])
    const left = task('left', act.extract, { date, files: 2 }, { after: [choice] })
    const right = task('right', act.extract, { date }, { after: [choice], timeout: '2 hours' })
    task('clean', act.clean, { date, rows: left.output.rows }, { retries: 3, after: [right] })
    const rows = { left: left.output.rows, right: right.output.rows }
    task('join', act.join, { date, ...rows }, { rule: 'none_failed' })
  })

  test('is pure JSON', () => {
    expect(JSON.parse(JSON.stringify(dag.graph))).toEqual(dag.graph)
  })

  test('takes edges from data and from `after`', () => {
    const edges = dag.graph.tasks.map((task) => [task.id, task.upstream])
    expect(Object.fromEntries(edges)).toEqual({
      choice: [],
      left: ['choice'],
      right: ['choice'],
      clean: ['left', 'right'],
      join: ['left', 'right'],
    })
  })

  test('records names, choices, defaults and limits', () => {
    expect(taskOf(dag.graph, 'choice')).toMatchObject({
      ...{ kind: 'branch', activity: 'choose', choices: ['left', 'right'], rule: 'all_success' },
      ...{ retries: 0, retryDelayMs: 300_000, timeoutMs: 3_600_000, heartbeatTimeoutMs: 30_000 },
    })
    expect(taskOf(dag.graph, 'right')).toMatchObject({ timeoutMs: 7_200_000 })
    expect(taskOf(dag.graph, 'clean')).toMatchObject({ retries: 3 })
  })

  test('gives a task its input, without what an absent upstream would have given', () => {
    const { input } = taskOf(dag.graph, 'join')
    const outputs = new Map([['right', { rows: 7, paths: [] }]])
    const values = { date: '2025-12-13', params: {}, outputs }
    expect(resolveInput(input, values)).toEqual({ date: '2025-12-13', left: undefined, right: 7 })
  })
})

describe('wrong wiring does not compile', () => {
  // Never called: what counts is that the compiler accepts and refuses the right lines.
  const wiring = ({ task, branch, date }: Builder<AnyParams>) => {
    const raw = task('raw', act.extract, { date })
    expectTypeOf(raw.id).toEqualTypeOf<'raw'>()
    task('literal', act.clean, { date: '2025-12-13', rows: 5 })
    task('data', act.clean, { date, rows: raw.output.rows })
    task('nothing', act.ping, undefined)

    // @ts-expect-error an activity that does not exist
    task('unknown', act.nope, { date })
    // @ts-expect-error a missing property
    task('missing', act.clean, { date })
    // @ts-expect-error a property too many
    task('extra', act.clean, { date, rows: 1, more: 2 })
    // @ts-expect-error text where a number belongs
    task('literal_type', act.clean, { date, rows: '5' })
    // @ts-expect-error a list of paths where a number belongs
    task('output_type', act.clean, { date, rows: raw.output.paths })
    // @ts-expect-error an output that the upstream does not have
    task('output_name', act.clean, { date, rows: raw.output.lines })
    // @ts-expect-error no such rule
    task('rule', act.extract, { date }, { rule: 'all_succeeded' })
    // @ts-expect-error no such unit
    task('duration', act.extract, { date }, { timeout: '5 fortnights' })

    // Under none_failed an upstream may have been skipped.
    task('lenient', act.join, { date, left: raw.output.rows }, { rule: 'none_failed' })
    task(
      'absent',
      act.clean,
      // @ts-expect-error a number that may be absent where one is needed
      { date, rows: raw.output.rows },
      { rule: 'none_failed' },
    )
    const cleaned = task('cleaned', act.clean, { date, rows: 1 })
    // @ts-expect-error an optional property of an output may be absent
    task('optional', act.extract, { date: cleaned.output.note })

    const choice = branch('choice', act.choose, { date }, ['left', 'right'])
    task('left', act.extract, { date }, { after: [choice, raw] })
    // @ts-expect-error a task that the branch cannot choose
    task('middle', act.extract, { date }, { after: [choice] })
    // @ts-expect-error the activity may return `right`, which is not among the choices
    branch('narrow', act.choose, { date }, ['left'])
    // @ts-expect-error an activity that chooses nothing
    branch('no_choice', act.extract, { date }, ['left'])
  }
  const wrongFailure = () => defineDag({ ...options, onFailure: act.tell }, () => undefined)
  // @ts-expect-error told of a failure, an activity cannot ask for rows
  const wrongFailureInput = () => defineDag({ ...options, onFailure: act.clean }, () => undefined)
  const params = z.object({ region: z.string() })
  const typedParams = () =>
    defineDag({ ...options, params }, ({ task, params: given }) => {
      task('raw', act.extract, { date: given.region })
      // @ts-expect-error no such param
      task('more', act.extract, { date: given.country })
    })

  test('and the right wiring does', () => {
    expectTypeOf(wiring).toBeFunction()
    expectTypeOf(wrongFailure).toBeFunction()
    expectTypeOf(wrongFailureInput).toBeFunction()
    expectTypeOf(typedParams).toBeFunction()
  })
})

describe('a DAG that cannot be used is refused when its module loads', () => {
  test.each<[string, RegExp, () => Dag]>([
    ['no tasks', /it has no tasks/, () => build(() => undefined)],
    [
      'a repeated id',
      /task raw: the id is taken/,
      () =>
        build(({ task, date }) => {
          task('raw', act.extract, { date })
          task('raw', act.extract, { date })
        }),
    ],
    [
      'an unknown upstream',
      /task raw: it waits for nothing_like_it, which is not a task/,
      () =>
        build(({ task, date }) => {
          task('raw', act.extract, { date }, { after: [{ id: 'nothing_like_it' }] })
        }),
    ],
    [
      'a cycle',
      /in a cycle: (one -> two -> three -> one|two -> three -> one -> two|three -> one -> two -> three)/,
      () =>
        build(({ task, date }) => {
          const one = task('one', act.extract, { date }, { after: [{ id: 'three' }] })
          const two = task('two', act.extract, { date }, { after: [one] })
          task('three', act.extract, { date }, { after: [two] })
        }),
    ],
    [
      'an upstream that comes later',
      /task one: it waits for two, so define two before it/,
      () =>
        build(({ task, date }) => {
          task('one', act.extract, { date }, { after: [{ id: 'two' }] })
          task('two', act.extract, { date })
        }),
    ],
    [
      'a choice that is not downstream',
      /branch choice: it may choose right, which is not directly downstream/,
      () =>
        build(({ task, branch, date }) => {
          const choice = branch('choice', act.choose, { date }, ['left', 'right'])
          task('left', act.extract, { date }, { after: [choice] })
        }),
    ],
    [
      'a downstream that is no choice',
      /branch choice: other comes right after it but is not among its choices/,
      () =>
        build(({ task, branch, date }) => {
          const choice = branch('choice', act.choose, { date }, ['left', 'right'])
          task('left', act.extract, { date }, { after: [choice] })
          task('right', act.extract, { date }, { after: [choice] })
          task('other', act.extract, { date }, { after: [{ id: 'choice' }] })
        }),
    ],
    [
      'a pool that nobody can set',
      /task a: "my pool" is no name of a pool/,
      () => build(({ task, date }) => void task('a', act.extract, { date }, { pool: 'my pool' })),
    ],
    [
      'slots of no pool',
      /task a: poolSlots says nothing without a pool/,
      () => build(({ task, date }) => void task('a', act.extract, { date }, { poolSlots: 2 })),
    ],
    [
      'a wait for no past',
      /task a: waitForPastDependsBeforeSkipping says nothing without dependsOnPast/,
      () =>
        build(({ task, date }) => {
          task('a', act.extract, { date }, { waitForPastDependsBeforeSkipping: true })
        }),
    ],
    [
      'a bad duration',
      /"5 fortnights" is no duration/,
      () =>
        build(({ task, date }) => void task('a', act.extract, { date }, { timeout: fortnights })),
    ],
    ['a bad id', /the id "A-DAG" is not snake_case/, () => one({ id: 'A-DAG' })],
    ['an id of Daybook itself', /the id "catch_up" is kept/, () => one({ id: 'catch_up' })],
    ['a bad start', /startDate "2025-02-30" is no day/, () => one({ startDate: '2025-02-30' })],
    ['no runs at all', /maxActiveRuns is 0/, () => one({ maxActiveRuns: 0 })],
    ['no types of runs', /allowedRunTypes is empty/, () => one({ allowedRunTypes: [] })],
    [
      'a schedule that may not start anything',
      /it has a schedule, but allowedRunTypes leaves out scheduled runs/,
      () => one({ ...atTwo, allowedRunTypes: ['manual'] }),
    ],
    [
      'half a failed run',
      /maxConsecutiveFailedRuns is 0.5; it must be a whole number from 0/,
      () => one({ ...atTwo, maxConsecutiveFailedRuns: 0.5 }),
    ],
    [
      'a pause of no schedule',
      /maxConsecutiveFailedRuns pauses the schedule, and it has none/,
      () => one({ schedule: null, maxConsecutiveFailedRuns: 3 }),
    ],
    [
      'a bad cron',
      /cron "daily" has 1 fields instead of 5/,
      () => one({ schedule: { cron: 'daily', timeZone: 'UTC' } }),
    ],
    [
      'a bad zone',
      /"Mars\/Olympus" is no time zone/,
      () => one({ schedule: { cron: '0 2 * * *', timeZone: 'Mars/Olympus' } }),
    ],
    ['negative retries', /task a: retries is -1/, () => one({ retries: -1 })],
  ])('%s', (_, message, define) => {
    expect(define).toThrow(message)
  })

  const atTwo = { schedule: { cron: '0 2 * * *', timeZone: 'UTC' } }
  const fortnights = '5 fortnights' as Duration

  function one(changes: object): Dag {
    return defineDag<AnyParams>({ ...options, ...changes }, ({ task, date }) => {
      task('a', act.extract, { date })
    })
  }
})
