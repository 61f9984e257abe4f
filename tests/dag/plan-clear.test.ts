import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import type { Graph } from '../../dag/graph.ts'
import {
  clearedStates,
  ClearRequest,
  ClearSelection,
  planClear,
  withGraph,
} from '../../dag/plan-clear.ts'
import { planMark } from '../../dag/plan-mark.ts'
import { reduce } from '../../dag/reducer.ts'
import type { TaskStates } from '../../dag/task-state.ts'
import { graphOf } from './graph-of.ts'
import { runToEnd, stateNames, statesOf } from './run-to-end.ts'

type Selection = z.input<typeof ClearSelection>

function cleared(graph: Graph, states: TaskStates, selection: Selection): string[] | string {
  const plan = planClear(graph, states, ClearSelection.parse(selection))
  return 'problem' in plan ? plan.problem : plan.tasks.map((task) => task.taskId)
}

const chain = graphOf({ a: [], b: ['a'], c: ['b'], d: ['c'], other: [] })
const half = statesOf({ a: 'S', b: 'F', c: 'U', d: 'U', other: 'S' })

describe('AT-X1 the selection', () => {
  test.each<[Selection, string[]]>([
    [{}, ['b', 'c', 'd']],
    [{ tasks: ['c'] }, ['c', 'd']],
    [{ tasks: ['c'], downstream: false }, ['c']],
    [{ tasks: ['c'], downstream: false, upstream: true }, ['a', 'b', 'c']],
    [{ tasks: ['b'], upstream: true }, ['a', 'b', 'c', 'd']],
    [{ tasks: ['other', 'd'] }, ['d', 'other']],
  ])('%j', (selection, expected) => {
    expect(cleared(chain, half, selection)).toEqual(expected)
  })

  test('names what the DAG does not have, and when there is nothing to do', () => {
    expect(cleared(chain, half, { tasks: ['e'] })).toBe(
      'sample has no task e; it has a, b, c, d, other',
    )
    const fine = statesOf({ a: 'S', b: 'S', c: 'S', d: 'S', other: 'S' })
    expect(cleared(chain, fine, {})).toBe('there is nothing to clear')
  })
})

describe('AT-X2 only failed', () => {
  const lenient = graphOf({ a: [], b: ['a'], c: ['b'] }, { b: { rule: 'all_done' } })
  const states = statesOf({ a: 'F', b: 'S', c: 'S' })

  test('filters after the closure: what succeeded behind it is left as it is', () => {
    expect(cleared(lenient, states, { tasks: ['a'], onlyFailed: true })).toEqual(['a'])
    expect(cleared(lenient, states, { tasks: ['b'], onlyFailed: true })).toBe(
      'there is nothing to clear',
    )
  })

  test('is not the default here: what comes after a failed task runs again, too', () => {
    expect(cleared(lenient, states, {})).toEqual(['a', 'b', 'c'])
  })
})

describe('AT-X2 only running', () => {
  const states = statesOf({ a: 'S', b: '·', c: '-', d: 'F', other: '·' })

  test.each<[Selection, string[] | string]>([
    [{ onlyRunning: true }, ['b', 'other']],
    [{ tasks: ['a'], onlyRunning: true }, ['b']],
    [{ tasks: ['d'], onlyRunning: true }, 'there is nothing to clear'],
  ])('filters after the closure: %j', (selection, expected) => {
    expect(cleared(chain, states, selection)).toEqual(expected)
  })

  test('and only failed together are refused in words', () => {
    expect(cleared(chain, states, { onlyRunning: true, onlyFailed: true })).toBe(
      'only what failed and only what is running exclude each other: ask for one',
    )
  })
})

test('AT-X5 with prevent_running_task nothing is cleared where something would be stopped', () => {
  const states = statesOf({ a: 'S', b: '·', c: '-', d: '-', other: 'F' })
  const careful = (tasks: string[]) => cleared(chain, states, { tasks, preventRunningTask: true })
  expect(careful(['a'])).toMatch(/^b would be stopped, and nothing that is running is to be: /)
  expect(careful(['other'])).toEqual(['other'])
})

test('AT-X3 a plan says what and why, and changes nothing', () => {
  const plan = planClear(chain, half, ClearSelection.parse({ tasks: ['c'], upstream: true }))
  expect(plan).toEqual({
    tasks: [
      { taskId: 'a', state: 'success', why: 'upstream' },
      { taskId: 'b', state: 'failed', why: 'upstream' },
      { taskId: 'c', state: 'upstream_failed', why: 'chosen' },
      { taskId: 'd', state: 'upstream_failed', why: 'downstream' },
    ],
  })
  expect(half).toEqual(statesOf({ a: 'S', b: 'F', c: 'U', d: 'U', other: 'S' }))
})

describe('AT-X4 set-ups and teardowns', () => {
  const graph = graphOf(
    {
      ...{ aside: [], create: [], fill: ['create'], work: ['fill'] },
      ...{ destroy: ['create', 'work', 'aside'], report: ['work'] },
    },
    {
      create: { isSetup: true },
      destroy: {
        rule: 'all_done_setup_success',
        teardown: { setups: ['create'], failsRun: false },
      },
    },
  )
  const states = statesOf({
    ...{ create: 'S', fill: 'S', work: 'F', destroy: 'S', report: 'U', aside: 'S' },
  })

  test.each<[Selection, string[]]>([
    [{ tasks: ['work'] }, ['create', 'work', 'destroy', 'report']],
    [{ tasks: ['work'], downstream: false }, ['create', 'work', 'destroy']],
    [{ tasks: ['fill'], downstream: false }, ['create', 'fill', 'destroy']],
    [{ tasks: ['create'], downstream: false }, ['create', 'destroy']],
    // Not in the scope of the set-up, which ends with its teardown.
    [{ tasks: ['report'] }, ['report']],
    [{ tasks: ['aside'], downstream: false }, ['aside']],
    // Nothing is made only to be taken away.
    [{ tasks: ['destroy'] }, ['destroy']],
  ])('%j', (selection, expected) => {
    expect(cleared(graph, states, selection)).toEqual(expected)
  })

  test('a failed teardown is run again alone', () => {
    const others = { aside: 'S', create: 'S', fill: 'S', work: 'S', report: 'S' } as const
    expect(cleared(graph, statesOf({ ...others, destroy: 'F' }), {})).toEqual(['destroy'])
  })
})

describe('AT-X7 a task that a branch had skipped', () => {
  const graph = graphOf(
    { choose: [], x: ['choose'], y: ['choose'] },
    { choose: { kind: 'branch', choices: ['x', 'y'] } },
  )
  const { states } = runToEnd({ graph, ends: { choose: ['x'] } })

  test('is skipped again when it alone is cleared', () => {
    const step = reduce(graph, states, { type: 'tasks_cleared', taskIds: ['y'] })
    expect(step.starts).toEqual([])
    expect(step.states['y']).toMatchObject({ state: 'skipped', cleared: 1 })
    const [y] = [{ taskId: 'y', state: 'skipped', why: 'chosen' } as const]
    const repaired = runToEnd({ graph, states: clearedStates(graph, states, [y]) })
    expect(stateNames(repaired.states)).toMatchObject({ x: 'success', y: 'skipped' })
  })

  test('is decided about anew when the branch is cleared', () => {
    const outside = new Map([
      [0, () => ({ type: 'tasks_cleared', taskIds: ['choose', 'x', 'y'] }) as const],
    ])
    const again = runToEnd({ graph, states, ends: { choose: ['y'] }, outside })
    expect(stateNames(again.states)).toEqual({ choose: 'success', x: 'skipped', y: 'success' })
  })
})

test('AT-X11 what the clear says decides, then the DAG or the setting; marks keep the recorded tasks', () => {
  const graphFor = (request: object, latest: boolean) =>
    withGraph(ClearRequest.parse({ by: 'ada', ...request }), latest).graph
  expect(graphFor({}, false)).toBe('recorded')
  expect(graphFor({}, true)).toBe('latest')
  expect(graphFor({ graph: 'recorded' }, true)).toBe('recorded')
  expect(graphFor({ graph: 'latest' }, false)).toBe('latest')
  expect(graphFor({ mark: 'failed' }, true)).toBe('recorded')
})

describe('AT-X10 a mark', () => {
  const graph = graphOf(
    { a: [], b: ['a'], c: ['b'], skipped: ['a'], fine: ['a'] },
    { skipped: { rule: 'all_failed' }, fine: { rule: 'all_done' } },
  )
  const { states } = runToEnd({ graph, ends: { a: 'failed', skipped: 'skipped' } })
  const mark = (state: 'success' | 'failed' | 'skipped') =>
    reduce(graph, states, { type: 'tasks_marked', taskIds: ['a'], state, reason: 'by hand' })

  test('sets the state, and has what had failed behind it go on', () => {
    expect(stateNames(states)).toMatchObject({ b: 'upstream_failed', c: 'upstream_failed' })
    const step = mark('success')
    expect(step.states['a']).toEqual({ state: 'success', reason: 'by hand' })
    expect(step.starts.map((start) => start.taskId)).toEqual(['b'])
    expect(stateNames(step.states)).toMatchObject({
      c: 'none',
      skipped: 'skipped',
      fine: 'success',
    })
  })

  test('skipped lets what follows be skipped by its rule', () => {
    expect(stateNames(mark('skipped').states)).toMatchObject({ b: 'skipped', c: 'skipped' })
  })

  test('failed leaves what had failed behind it so', () => {
    const failed = { b: 'upstream_failed', c: 'upstream_failed' }
    expect(stateNames(mark('failed').states)).toMatchObject(failed)
  })

  test('stops a running task; its state holds when that has ended', () => {
    const started = reduce(graph, clearedStates(graph, {}, []), { type: 'run_started' }).states
    const event = { type: 'tasks_marked', taskIds: ['a'], state: 'success', reason: 'x' } as const
    const marked = reduce(graph, started, event)
    expect(marked).toMatchObject({ stops: ['a'], starts: [] })
    const ended = reduce(graph, marked.states, { type: 'task_cancelled', taskId: 'a' })
    expect(ended.states['a']).toEqual({ state: 'success', reason: 'x' })
    expect(ended.starts.map((start) => start.taskId)).toEqual(['b', 'fine'])
  })
})

describe('AT-X10 the selection of a mark', () => {
  const states = statesOf({ a: 'S', b: 'F', c: 'U', d: 'U', other: 'F' })
  const signed = { by: 'ada', reason: '', state: 'success' } as const

  test.each([
    [{ tasks: ['b'] }, ['b'], ['c', 'd']],
    [{ tasks: ['b'], downstream: true }, ['b', 'c', 'd'], []],
    // What comes before and has succeeded keeps its result.
    [{ tasks: ['c'], upstream: true }, ['b', 'c'], ['d']],
    [{ tasks: ['a'] }, ['a'], ['b', 'c', 'd']],
  ])('%j', (selection, marked, resumed) => {
    const plan = planMark(chain, states, {
      ...{ ...signed, downstream: false, upstream: false },
      ...selection,
    })
    if ('problem' in plan) return expect.fail(plan.problem)
    expect(plan.marked.map(({ taskId }) => taskId)).toEqual(marked)
    expect(plan.event.taskIds).toEqual(marked)
    expect(plan.resumed.map(({ taskId }) => taskId)).toEqual(resumed)
  })
})

test('what never ended waits again in a repaired run, what has ended does not', () => {
  const states = statesOf({ a: 'S', b: 'C', c: '-', d: '·' })
  expect(stateNames(clearedStates(chain, states, []))).toEqual({
    ...{ a: 'success', b: 'none', c: 'none', d: 'none', other: 'none' },
  })
})
