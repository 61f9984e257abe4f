import { describe, expect, test } from 'vitest'
import { decideTask } from '../../dag/decide-task.ts'
import { defineDag, activityRefs } from '../../dag/define-dag.ts'
import { explain } from '../../dag/explain.ts'
import type { TaskNode, TriggerRule } from '../../dag/graph.ts'
import { taskOf, triggerRules } from '../../dag/graph.ts'
import { initialStates, reduce } from '../../dag/reducer.ts'
import { graphOf } from './graph-of.ts'
import { runToEnd, stateNames, statesOf } from './run-to-end.ts'

const setup = { isSetup: true } as const

function teardownOf(...setups: string[]): Partial<TaskNode> {
  return { rule: 'all_done_setup_success', teardown: { setups, failsRun: false } }
}

type Letter = 'S' | 'F' | 'K' | 'U' | '·'
const decisions = { R: 'run', K: 'skip', U: 'upstream_failed', '.': 'wait' } as const

describe('AT-T3 a task that is only indirectly behind a set-up', () => {
  const behind = (rule: TriggerRule) =>
    graphOf(
      { one: [], two: [], middle: ['one', 'two'], task: ['middle'] },
      {
        ...{ one: setup, two: setup, task: { rule } },
      },
    )
  const decide = (rule: TriggerRule, one: Letter, two: Letter, middle: Letter) => {
    const graph = behind(rule)
    return decideTask(graph, statesOf({ one, two, middle }), taskOf(graph, 'task')).decision
  }
  const others = triggerRules.filter((rule) => rule !== 'always')

  test.each(others)('under %s looks at the set-ups first', (rule) => {
    for (const middle of ['S', 'F', 'K', 'U', '·'] as const) {
      for (const two of ['S', 'F', 'K', 'U', '·'] as const) {
        expect(decide(rule, 'F', two, middle), `F${two} ${middle}`).toBe('upstream_failed')
        expect(decide(rule, 'U', two, middle), `U${two} ${middle}`).toBe('upstream_failed')
      }
      expect(decide(rule, 'K', 'S', middle)).toBe('skip')
      expect(decide(rule, 'K', 'K', middle)).toBe('skip')
      expect(decide(rule, '·', 'S', middle)).toBe('wait')
      // The one that runs may fail yet: the end must not depend on which ended first.
      expect(decide(rule, '·', 'K', middle)).toBe('wait')
    }
  })

  test('and then at its rule', () => {
    expect(decide('all_success', 'S', 'S', 'F')).toBe('upstream_failed')
    expect(decide('all_done', 'S', 'S', 'F')).toBe('run')
    expect(decide('one_failed', 'S', 'S', 'S')).toBe('skip')
  })

  test('under always runs whatever its set-ups do', () => {
    expect(decide('always', 'F', '·', '·')).toBe('run')
  })

  test('but not behind the teardown, where the set-up is of no concern any more', () => {
    const graph = graphOf(
      { create: [], work: ['create'], destroy: ['create', 'work'], report: ['destroy'] },
      { create: setup, destroy: teardownOf('create'), report: { rule: 'all_done' } },
    )
    const { states } = runToEnd({ graph, ends: { create: 'failed' } })
    expect(stateNames(states)).toEqual({
      ...{ create: 'failed', work: 'upstream_failed', destroy: 'upstream_failed' },
      report: 'success',
    })
  })

  test('says what it waits for', () => {
    const graph = behind('one_success')
    const states = reduce(graph, initialStates(graph), { type: 'run_started' }).states
    const half = reduce(graph, states, { type: 'task_succeeded', taskId: 'one' }).states
    expect(explain(graph, half, 'task')).toBe('task waits (set-up two has not succeeded yet)')
  })
})

describe('AT-T4 a teardown', () => {
  const twoSetups = graphOf(
    { one: [], two: [], worker: [], destroy: ['one', 'two', 'worker'] },
    { one: setup, two: setup, destroy: teardownOf('one', 'two') },
  )
  const answer = (one: Letter, two: Letter, worker: Letter) =>
    decideTask(twoSetups, statesOf({ one, two, worker }), taskOf(twoSetups, 'destroy')).decision

  test.each<[Letter, Letter, keyof typeof decisions]>([
    ['S', 'S', 'R'],
    ['S', 'K', 'R'],
    ['S', 'F', 'R'],
    ['S', 'U', 'R'],
    ['F', 'F', 'U'],
    ['K', 'K', 'K'],
    ['F', 'K', 'U'],
    ['F', 'U', 'U'],
    ['K', 'U', 'U'],
    ['U', 'U', 'U'],
    ['S', '·', '.'],
    ['F', '·', '.'],
    ['K', '·', '.'],
    ['U', '·', '.'],
    ['·', '·', '.'],
  ])('with set-ups %s%s: %s, whatever became of a worker', (one, two, expected) => {
    for (const worker of ['S', 'F', 'K', 'U'] as const) {
      expect(answer(one, two, worker), worker).toBe(decisions[expected])
      expect(answer(two, one, worker), worker).toBe(decisions[expected])
    }
    expect(answer(one, two, '·')).toBe('wait')
  })

  test('waits for every task between its set-up and itself, named or not', () => {
    const graph = graphOf(
      { create: [], slow: ['create'], fast: ['create'], join: ['slow', 'fast'], destroy: [] },
      {
        create: setup,
        join: { rule: 'one_success' },
        destroy: { ...teardownOf('create'), upstream: ['create', 'join'] },
      },
    )
    const states = statesOf({ create: 'S', slow: '·', fast: 'S', join: 'S', destroy: '-' })
    const decided = decideTask(graph, states, taskOf(graph, 'destroy'))
    expect(decided).toMatchObject({
      decision: 'wait',
      reason: 'all_done_setup_success: create success, join success; slow in between not ended',
    })
    const ended = { ...states, slow: { state: 'failed', reason: 'it broke' } } as const
    expect(decideTask(graph, ended, taskOf(graph, 'destroy')).decision).toBe('run')
  })

  test('runs when the run was cancelled, once what ran has stopped', () => {
    const graph = graphOf(
      { create: [], work: ['create'], destroy: ['create', 'work'], report: ['work'] },
      { create: setup, destroy: teardownOf('create') },
    )
    const outside = new Map([[1, () => ({ type: 'run_cancelled' }) as const]])
    expect(stateNames(runToEnd({ graph, outside }).states)).toEqual({
      ...{ create: 'success', work: 'cancelled', destroy: 'success', report: 'cancelled' },
    })
  })

  test('without any set-up runs in a cancelled run too', () => {
    const graph = graphOf({ work: [], destroy: ['work'] }, { destroy: teardownOf() })
    const outside = new Map([[0, () => ({ type: 'run_cancelled' }) as const]])
    expect(stateNames(runToEnd({ graph, outside }).states)).toEqual({
      ...{ work: 'cancelled', destroy: 'success' },
    })
  })

  test('is not skipped by a short circuit, like all else behind it', () => {
    const graph = graphOf(
      { create: [], gate: ['create'], work: ['gate'], destroy: ['create', 'work'] },
      { create: setup, gate: { kind: 'short_circuit' }, destroy: teardownOf('create') },
    )
    expect(stateNames(runToEnd({ graph, ends: { gate: 'shut' } }).states)).toEqual({
      ...{ create: 'success', gate: 'success', work: 'skipped', destroy: 'success' },
    })
  })
})

describe('AT-T6 a DAG that fails fast', () => {
  const act = activityRefs<{ work(input: { date: string }): Promise<void> }>()
  const daily = {
    ...{ schedule: null, startDate: '2025-01-01', catchup: true, maxActiveRuns: 1 },
    ...{ id: 'fast', failFast: true },
  }
  const withRule = (rule: TriggerRule) => () =>
    defineDag(daily, ({ task, date }) => {
      const one = task('one', act.work, { date })
      task('two', act.work, { date }, { after: [one], rule })
    })

  test.each(
    triggerRules.filter((rule) => rule !== 'all_success' && rule !== 'all_done_setup_success'),
  )('refuses %s', (rule) => {
    expect(withRule(rule)).toThrow(`takes no rule but all_success, not ${rule}`)
  })

  test('takes all_success, and teardowns with their own rule', () => {
    expect(withRule('all_success')).not.toThrow()
    const withTeardown = () =>
      defineDag(daily, ({ setup, teardown, date }) => {
        const one = setup('one', act.work, { date })
        teardown('two', act.work, { date }, { setups: [one] })
      })
    expect(withTeardown).not.toThrow()
  })
})
