import { describe, expect, test } from 'vitest'
import type { Graph } from '../../dag/graph.ts'
import type { RunEvent } from '../../dag/reducer.ts'
import { initialStates, reduce } from '../../dag/reducer.ts'
import type { RunEnd } from '../../dag/verdict.ts'
import { effectiveLeaves, judgeRun } from '../../dag/verdict.ts'
import { graphOf } from './graph-of.ts'
import type { End } from './run-to-end.ts'
import { runToEnd, stateNames, statesOf } from './run-to-end.ts'

const ended: RunEnd = { isCancelled: false, timedOut: undefined }

function judge(graph: Graph, ends: Record<string, End> = {}) {
  return judgeRun(graph, runToEnd({ graph, ends }).states, ended)
}

const setup = { isSetup: true } as const
const teardown = (setups: string[], failsRun = false) => ({
  ...{ rule: 'all_done_setup_success' as const, teardown: { setups, failsRun } },
})

describe('AT-R2 only effective leaves count', () => {
  const idsOf = (graph: Graph) => effectiveLeaves(graph).map((task) => task.id)

  test('tasks that nothing comes after', () => {
    expect(idsOf(graphOf({ a: [], b: ['a'], c: ['a'] }))).toEqual(['b', 'c'])
  })

  test('a teardown hides no leaf, and is none', () => {
    const edges = { create: [], work: ['create'], destroy: ['create', 'work'] }
    const graph = graphOf(edges, { create: setup, destroy: teardown(['create']) })
    expect(idsOf(graph)).toEqual(['work'])
    expect(judge(graph, { destroy: 'failed' })).toEqual({
      ...{ state: 'success', failedTasks: ['destroy'] },
      summary: 'success with failed tasks: destroy',
    })
    expect(judge(graph, { work: 'failed' }).state).toBe('failed')
  })

  test('a teardown that is said to fail the run is a leaf', () => {
    const edges = { create: [], work: ['create'], destroy: ['create', 'work'] }
    const graph = graphOf(edges, { create: setup, destroy: teardown(['create'], true) })
    expect(idsOf(graph)).toEqual(['destroy'])
    expect(judge(graph, { destroy: 'failed' }).state).toBe('failed')
    // As in Airflow: the teardown succeeded, and it is the only leaf.
    expect(judge(graph, { work: 'failed' }).state).toBe('success')
  })

  test('a task with a teardown and a task behind it is no leaf; one before a teardown alone is', () => {
    const edges = { create: [], work: ['create'], destroy: ['create', 'work'], mail: ['destroy'] }
    const graph = graphOf(edges, { create: setup, destroy: teardown(['create']) })
    expect(idsOf(graph)).toEqual(['work', 'mail'])
  })

  test('a DAG of teardowns alone has plain leaves', () => {
    const graph = graphOf({ one: [], two: ['one'] }, { one: teardown([]), two: teardown([]) })
    expect(idsOf(graph)).toEqual(['two'])
    expect(judge(graph, { two: 'failed' }).state).toBe('failed')
  })
})

describe('AT-R3 the state of a run', () => {
  test('a leaf that could not run fails it', () => {
    expect(judge(graphOf({ a: [], b: ['a'] }), { a: 'failed' })).toEqual({
      state: 'failed',
      failedTasks: ['a'],
      summary: 'a failed (it broke); so b did not run',
    })
  })

  test('a failed task behind which a leaf succeeds does not fail it, but is named', () => {
    const graph = graphOf({ a: [], clean_up: ['a'] }, { clean_up: { rule: 'all_done' } })
    expect(judge(graph, { a: 'failed' })).toEqual({
      state: 'success',
      failedTasks: ['a'],
      summary: 'success with failed tasks: a',
    })
  })

  test('with failsOnAnyTask it does, but a failed teardown does not', () => {
    const edges = { create: [], a: ['create'], clean_up: ['a'], destroy: ['create', 'a'] }
    const changes = { clean_up: { rule: 'all_done' }, create: setup } as const
    const graph = {
      ...graphOf(edges, { ...changes, destroy: teardown(['create']) }),
      failsOnAnyTask: true as const,
    }
    expect(judge(graph, { a: 'failed' }).summary).toBe('a failed (it broke)')
    expect(judge(graph, { destroy: 'failed' }).state).toBe('success')
  })

  test('a watcher leaf fails it too', () => {
    const graph = graphOf(
      { a: [], clean_up: ['a'], watcher: ['a', 'clean_up'] },
      { clean_up: { rule: 'all_done' }, watcher: { rule: 'one_failed' } },
    )
    expect(judge(graph, { a: 'failed', watcher: 'failed' }).state).toBe('failed')
    expect(stateNames(runToEnd({ graph }).states)).toMatchObject({ watcher: 'skipped' })
    expect(judge(graph).state).toBe('success')
  })

  test('skipped leaves do not fail it', () => {
    const branch = { kind: 'branch', choices: ['x'] } as const
    expect(
      judge(graphOf({ choose: [], x: ['choose'] }, { choose: branch }), { choose: [] }),
    ).toEqual({
      ...{ state: 'success', failedTasks: [], summary: 'success' },
    })
  })
})

test('AT-R4 tasks that can never start: all tasks deadlocked', () => {
  const graph = graphOf({ a: [], b: ['a'], c: ['b'] })
  const verdict = judgeRun(graph, statesOf({ a: 'S', b: '-', c: '-' }), ended)
  expect(verdict).toMatchObject({ state: 'failed', summary: 'all tasks deadlocked: b, c' })
})

test('AT-R5 a run that took too long: failed, what had not ended is skipped, teardowns too', () => {
  const graph = graphOf(
    { create: [], work: ['create'], next: ['work'], destroy: ['create', 'next'] },
    { create: setup, destroy: teardown(['create']) },
  )
  const reason = 'the run took longer than 5 s'
  const outside = new Map([[1, () => ({ type: 'run_timed_out', reason }) as const]])
  const { states } = runToEnd({ graph, outside })
  expect(stateNames(states)).toEqual({
    ...{ create: 'success', work: 'skipped', next: 'skipped', destroy: 'skipped' },
  })
  expect(states['next']?.reason).toBe(reason)
  expect(judgeRun(graph, states, { isCancelled: false, timedOut: reason })).toEqual({
    ...{ state: 'failed', failedTasks: [], summary: reason },
  })
})

describe('AT-R6 fail fast', () => {
  const graph = {
    ...graphOf(
      {
        create: [],
        bad: ['create'],
        slow: ['create'],
        next: ['slow'],
        destroy: ['create', 'next'],
      },
      { create: setup, destroy: teardown(['create']) },
    ),
    isFailFast: true as const,
  }
  const ran = runToEnd({
    graph,
    ends: { bad: 'failed' },
    pick: (running) => running.find((id) => id !== 'slow') ?? running[0],
  })

  test('what runs fails, what has not run is skipped, teardowns run', () => {
    expect(stateNames(ran.states)).toEqual({
      ...{ create: 'success', bad: 'failed', slow: 'failed', next: 'skipped' },
      destroy: 'success',
    })
    expect(ran.states['slow']?.because).toEqual(['bad'])
  })

  test('the teardown waits until what was stopped has really ended', () => {
    const whileStopping = ran.steps.find((states) => states['slow']?.then !== undefined)
    expect(whileStopping?.['slow']?.state).toBe('running')
    expect(whileStopping?.['destroy']?.state).toBe('none')
  })

  test('the run has failed also where all leaves were skipped', () => {
    const chain = { ...graphOf({ a: [], b: ['a'] }), isFailFast: true as const }
    expect(stateNames(runToEnd({ graph: chain, ends: { a: 'failed' } }).states)).toEqual({
      ...{ a: 'failed', b: 'skipped' },
    })
    expect(judge(chain, { a: 'failed' })).toMatchObject({ state: 'failed', failedTasks: ['a'] })
  })

  test('what somebody has marked keeps its mark', () => {
    const two = { ...graphOf({ bad: [], slow: [] }), isFailFast: true as const }
    const marked: RunEvent = {
      type: 'tasks_marked',
      taskIds: ['slow'],
      state: 'success',
      reason: 'by hand',
    }
    const outside = new Map([[0, () => marked]])
    const { states } = runToEnd({ graph: two, ends: { bad: 'failed' }, outside })
    expect(stateNames(states)).toEqual({ bad: 'failed', slow: 'success' })
  })
})

test('a cancelled run is neither a success nor a failure', () => {
  const graph = graphOf({ a: [], b: ['a'] })
  const { states } = reduce(graph, initialStates(graph), { type: 'run_started' })
  const cancelled = reduce(graph, states, { type: 'task_cancelled', taskId: 'a' })
  expect(cancelled.starts).toEqual([])
  expect(judgeRun(graph, cancelled.states, ended).state).toBe('cancelled')
})

// Of AT-R8 the code names all failed tasks, not the one that failed last.
test('a failed run names every task that failed, in the order of the graph', () => {
  const graph = graphOf({ a: [], b: [], c: ['a', 'b'] })
  expect(judge(graph, { b: 'failed', a: 'failed' }).failedTasks).toEqual(['a', 'b'])
})
