import { describe, expect, test } from 'vitest'
import { causeChain, explain } from '../../dag/explain.ts'
import type { TaskNode } from '../../dag/graph.ts'
import { triggerRules } from '../../dag/graph.ts'
import { initialStates, reduce } from '../../dag/reducer.ts'
import type { TaskState } from '../../dag/task-state.ts'
import { graphOf } from './graph-of.ts'
import type { End } from './run-to-end.ts'
import { runToEnd, stateNames, statesOf } from './run-to-end.ts'

const branch = (...choices: string[]): Partial<TaskNode> => ({ kind: 'branch', choices })

describe('a chain and a diamond', () => {
  const diamond = graphOf(
    { a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: ['d'] },
    { e: { rule: 'all_done' } },
  )

  test('start tasks as soon as their upstream tasks have ended, in the order of the graph', () => {
    const first = reduce(diamond, initialStates(diamond), { type: 'run_started' })
    expect(first.starts).toEqual([{ taskId: 'a', reason: 'it waits for no other task' }])
    const second = reduce(diamond, first.states, { type: 'task_succeeded', taskId: 'a' })
    expect(second.starts.map((start) => start.taskId)).toEqual(['b', 'c'])
    const third = reduce(diamond, second.states, { type: 'task_succeeded', taskId: 'c' })
    expect(third.starts).toEqual([])
    expect(explain(diamond, third.states, 'd')).toBe('d waits (all_success: b running, c success)')
  })

  test('a failure spreads at once, and its reason is kept', () => {
    const { states } = runToEnd({ graph: diamond, ends: { b: 'failed' } })
    expect(stateNames(states)).toEqual({
      ...{ a: 'success', b: 'failed', c: 'success', d: 'upstream_failed', e: 'success' },
    })
    expect(states['d']?.reason).toMatch(/^all_success: b failed, c (running|success)$/)
  })

  test('do not change the states they were given', () => {
    const states = initialStates(diamond)
    reduce(diamond, states, { type: 'run_started' })
    expect(states).toEqual(initialStates(diamond))
  })

  test('a task that waited for a slot says so, and no longer when it runs', () => {
    const { states } = reduce(diamond, initialStates(diamond), { type: 'run_started' })
    const event = { type: 'task_queued', taskId: 'a', reason: 'pool p is full' } as const
    const queued = reduce(diamond, states, event).states
    expect(explain(diamond, queued, 'a')).toBe('a is queued (pool p is full)')
    const running = reduce(diamond, queued, { type: 'task_running', taskId: 'a' }).states
    expect(explain(diamond, running, 'a')).toBe('a is running (its turn has come)')
  })
})

describe('AT-S1, AT-S2 a task that never ran', () => {
  const graph = graphOf(
    {
      ...{ choose: [], chosen: ['choose'], unchosen: ['choose'], gate: [], behind: ['gate'] },
      ...{ bad: [], stopped: ['bad'], unneeded: ['gate'], empty: [], after_empty: ['empty'] },
    },
    {
      choose: branch('chosen', 'unchosen'),
      gate: { kind: 'short_circuit', skips: 'direct_downstream' },
      unneeded: { rule: 'one_failed' },
    },
  )
  const ends = { choose: ['chosen'], gate: 'shut', bad: 'failed', empty: 'skipped' } as const
  const { states, started } = runToEnd({ graph, ends })

  test.each<[string, TaskState, string, string[]]>([
    ['unchosen', 'skipped', 'choose chose chosen', ['choose']],
    ['behind', 'skipped', 'gate let nothing through', ['gate']],
    ['unneeded', 'skipped', 'gate let nothing through', ['gate']],
    ['after_empty', 'skipped', 'all_success: empty skipped', ['empty']],
    ['stopped', 'upstream_failed', 'all_success: bad failed', ['bad']],
  ])('%s is %s: %s', (id, state, reason, because) => {
    expect(started).not.toContain(id)
    expect(states[id]).toEqual({ state, reason, because })
  })

  test('the cause is what the rule did not want: a success, under all_skipped', () => {
    const rare = graphOf({ a: [], b: [], c: ['a', 'b'] }, { c: { rule: 'all_skipped' } })
    const ran = runToEnd({ graph: rare, ends: { a: 'skipped' } })
    expect(ran.states['c']).toMatchObject({ state: 'skipped', because: ['b'] })
  })
})

describe('AT-N1 a branch', () => {
  const graph = graphOf(
    { choose: [], x: ['choose'], y: ['choose'], join: ['choose', 'x'], after_y: ['y'] },
    { choose: branch('x', 'y', 'join'), join: { rule: 'none_failed_min_one_success' } },
  )

  test.each<[string[], Record<string, TaskState>]>([
    // x leads to join, so join is followed although it was not chosen.
    [['x'], { x: 'success', y: 'skipped', join: 'success', after_y: 'skipped' }],
    [['y'], { x: 'skipped', y: 'success', join: 'skipped', after_y: 'success' }],
    [['x', 'y'], { x: 'success', y: 'success', join: 'success', after_y: 'success' }],
    [[], { x: 'skipped', y: 'skipped', join: 'skipped', after_y: 'skipped' }],
  ])('that chooses %j skips the others', (chosen, expected) => {
    const { states } = runToEnd({ graph, ends: { choose: chosen } })
    expect(stateNames(states)).toEqual({ choose: 'success', ...expected })
  })

  test('says who skipped a task', () => {
    const { states } = runToEnd({ graph, ends: { choose: ['y'] } })
    expect(explain(graph, states, 'x')).toBe('x is skipped (choose chose y)')
  })

  test('AT-N2 fails when it chooses what is not downstream of it', () => {
    const { states } = runToEnd({ graph, ends: { choose: ['nowhere'] } })
    expect(states['choose']).toEqual({
      state: 'failed',
      reason: 'it chose nowhere; it may choose x, y, join',
    })
    expect(states['x']?.state).toBe('upstream_failed')
  })

  test('AT-N4 its choice holds for a task that is added later, and when one is cleared', () => {
    const { states } = runToEnd({ graph, ends: { choose: ['x'] } })
    const later = graphOf(
      { choose: [], x: ['choose'], y: ['choose'], z: ['choose'] },
      { choose: branch('x', 'y', 'z') },
    )
    const waiting = { state: 'none', reason: 'new' } as const
    const ran = runToEnd({ graph: later, states: { ...states, y: waiting, z: waiting } })
    expect(ran.started).toEqual([])
    expect(stateNames(ran.states)).toMatchObject({ x: 'success', y: 'skipped', z: 'skipped' })
  })

  test('keeps waiting what it may still skip, whatever the other upstream tasks have done', () => {
    const mixed = graphOf(
      { choose: [], a: [], x: ['choose', 'a'], y: ['choose', 'a'] },
      { choose: branch('x', 'y'), x: { rule: 'one_success' } },
    )
    const first = reduce(mixed, initialStates(mixed), { type: 'run_started' }).states
    const second = reduce(mixed, first, { type: 'task_failed', taskId: 'a', reason: 'it broke' })
    expect(stateNames(second.states)).toMatchObject({ x: 'none', y: 'none' })
    expect(explain(mixed, second.states, 'y')).toBe(
      'y waits (choose may still skip it; all_success: choose running, a failed)',
    )
  })
})

describe('AT-N3 behind a branch skips spread by the rules alone', () => {
  test.each<[TaskNode['rule'], TaskState]>([
    ['all_success', 'skipped'],
    ['none_failed', 'success'],
    ['none_failed_min_one_success', 'success'],
    ['all_done', 'success'],
    ['one_success', 'success'],
  ])('a join under %s is %s', (rule, expected) => {
    const graph = graphOf(
      { choose: [], x: ['choose'], y: ['choose'], join: ['x', 'y'] },
      { choose: branch('x', 'y'), join: { rule } },
    )
    const { states } = runToEnd({ graph, ends: { choose: ['x'] } })
    expect(states['join']?.state).toBe(expected)
  })
})

describe('AT-N5 a short circuit that lets nothing through', () => {
  const edges = { gate: [], near: ['gate'], far: ['near'], aside: [] }
  const others = triggerRules.filter((rule) => rule !== 'always')

  test.each(others)('skips all behind it, also under %s', (rule) => {
    const graph = graphOf(edges, { gate: { kind: 'short_circuit' }, near: { rule }, far: { rule } })
    const { states } = runToEnd({ graph, ends: { gate: 'shut' } })
    expect(stateNames(states)).toEqual({
      ...{ gate: 'success', near: 'skipped', far: 'skipped', aside: 'success' },
    })
    expect(states['far']).toMatchObject({ reason: 'gate let nothing through', because: ['gate'] })
  })

  test('or, in its other mode, only what is directly behind it', () => {
    const gate = { kind: 'short_circuit', skips: 'direct_downstream' } as const
    const graph = graphOf(edges, { gate, far: { rule: 'all_done' } })
    const { states } = runToEnd({ graph, ends: { gate: 'shut' } })
    expect(stateNames(states)).toMatchObject({ near: 'skipped', far: 'success' })
  })

  test('lets all through when it is open', () => {
    const graph = graphOf(edges, { gate: { kind: 'short_circuit' } })
    expect(stateNames(runToEnd({ graph }).states)).toMatchObject({
      near: 'success',
      far: 'success',
    })
  })
})

test('AT-N6 latest-only and a rejected approval skip what is behind them, each its way', () => {
  const graph = graphOf(
    { newest: [], mail: ['newest'], after_mail: ['mail'], sign: [], pay: ['sign'], book: ['pay'] },
    {
      newest: { kind: 'latest_only', skips: 'direct_downstream' },
      after_mail: { rule: 'all_done' },
      sign: { kind: 'approval' },
      book: { rule: 'all_done' },
    },
  )
  const ends: Record<string, End> = { newest: 'shut', sign: 'shut' }
  expect(stateNames(runToEnd({ graph, ends }).states)).toEqual({
    ...{ newest: 'success', mail: 'skipped', after_mail: 'success' },
    ...{ sign: 'success', pay: 'skipped', book: 'skipped' },
  })
})

describe('a chain of causes', () => {
  test('ends at the first cause', () => {
    const graph = graphOf({ a: [], b: ['a'], c: ['b'] })
    const { states } = runToEnd({ graph, ends: { a: 'failed' } })
    expect(causeChain(states, 'c')).toEqual(['c', 'b', 'a'])
  })

  test('ends also where clears have made a circle of it', () => {
    const because = (id: string) => ({ because: [id] })
    const states = statesOf({ a: 'U', b: 'U' })
    const circle = {
      a: { state: 'failed', reason: 'x', ...states['a'], ...because('b') },
      b: { state: 'failed', reason: 'x', ...states['b'], ...because('a') },
    } as const
    expect(causeChain(circle, 'a')).toEqual(['a', 'b'])
  })
})
