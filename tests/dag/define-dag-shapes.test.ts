import { describe, expectTypeOf, test } from 'vitest'
import type { Builder } from '../../dag/builder.ts'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'

interface Activities {
  extract(input: { date: string; files?: number }): Promise<{ rows: number; paths: string[] }>
  clean(input: { rows: number; date: string }): Promise<{ kept: number }>
  join(input: { left: number | undefined; date: string }): Promise<void>
  choose(input: { date: string }): Promise<'left' | 'right' | null>
  tell(input: { dagId: string; date: string }): Promise<void>
  isOpen(input: { date: string }): Promise<boolean>
  findFile(input: { date: string }): Promise<{ rows: number } | null>
}
const act = activityRefs<Activities>()

const options = {
  id: 'a_dag',
  schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
  ...{ startDate: '2025-01-01', catchup: true, maxActiveRuns: 1 },
} as const

type AnyParams = Record<string, never>

describe('wrong wiring of set-ups, gates and waits does not compile', () => {
  const wiring = (build: Builder<AnyParams>) => {
    const { task, branch, setup, teardown, shortCircuit, latestOnly, sensor, approval } = build
    const { map, date } = build
    const create = setup('create', act.extract, { date })
    expectTypeOf(create.id).toEqualTypeOf<'create'>()
    task('fill', act.clean, { date, rows: create.output.rows })
    // @ts-expect-error a set-up is wired like a task
    setup('missing', act.clean, { date })

    teardown('destroy', act.tell, { date, dagId: 'a_dag' }, { setups: [create], failsRun: true })
    // @ts-expect-error a teardown of nothing
    teardown('no_setups', act.extract, { date })
    // @ts-expect-error its rule is that of teardowns
    teardown('own_rule', act.extract, { date }, { setups: [create], rule: 'all_done' })
    // @ts-expect-error it runs also where what it takes is missing
    teardown('needs_rows', act.clean, { date, rows: create.output.rows }, { setups: [create] })
    teardown('may_lack', act.join, { date, left: create.output.rows }, { setups: [create] })

    const gate = shortCircuit('gate', act.isOpen, { date }, { skips: 'direct_downstream' })
    // @ts-expect-error an activity that does not say yes or no
    shortCircuit('rows', act.extract, { date })
    // @ts-expect-error no such way to skip
    shortCircuit('way', act.isOpen, { date }, { skips: 'downstream' })
    // @ts-expect-error only what lets through or not says what it skips
    task('plain', act.extract, { date }, { skips: 'direct_downstream' })

    latestOnly('newest', { after: [gate] })
    // @ts-expect-error what has no activity is not tried again
    latestOnly('tried', { retries: 2 })

    const file = sensor('file', act.findFile, { date }, { pokeInterval: '1 minute' })
    // What it found is there: it does not end before.
    task('found', act.clean, { date, rows: file.output.rows })
    // @ts-expect-error no such end of a wait
    sensor('end', act.findFile, { date }, { onTimeout: 'succeed' })
    // @ts-expect-error a task waits for nothing
    task('patient', act.extract, { date }, { waitAtMost: '1 hour' })

    const sign = approval('sign', { waitAtMost: '2 days', onTimeout: 'skip' })
    task('book', act.tell, { date, dagId: sign.output.by })
    // @ts-expect-error what a person said is no number
    task('count', act.clean, { date, rows: sign.output.decision })

    const { paths, rows } = create.output
    map('each', act.tell, paths, (path) => ({ date, dagId: path }), { maxActiveTisPerDagrun: 2 })
    // @ts-expect-error a number is no list
    map('no_list', act.tell, rows, () => ({ date, dagId: 'a_dag' }))
    // @ts-expect-error an item that is text where a number belongs
    map('item_type', act.clean, paths, (path) => ({ date, rows: path }))

    const choice = branch('choice', act.choose, { date }, ['left', 'right'])
    // @ts-expect-error a sensor that the branch cannot choose
    sensor('middle', act.findFile, { date }, { after: [choice] })
    sensor('left', act.findFile, { date }, { after: [choice] })
    // @ts-expect-error an approval that the branch cannot choose
    approval('other', { after: [choice] })
    approval('right', { after: [choice] })
  }
  const limits = () =>
    defineDag({ ...options, failFast: true, runTimeout: '1 hour', maxActiveTasks: 3 }, wiring)
  // @ts-expect-error no such unit
  const wrongLimit = () => defineDag({ ...options, runTimeout: '1 week' }, wiring)

  test('and the right wiring does', () => {
    expectTypeOf(wiring).toBeFunction()
    expectTypeOf(limits).toBeFunction()
    expectTypeOf(wrongLimit).toBeFunction()
  })
})
