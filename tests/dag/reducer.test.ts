import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Graph, TaskNode, TriggerRule } from '../../dag/graph.ts'
import { triggerRules } from '../../dag/graph.ts'
import type { RunEvent } from '../../dag/reducer.ts'
import { explain, initialStates, reduce } from '../../dag/reducer.ts'
import type { TaskState, TaskStates } from '../../dag/task-state.ts'
import { judgeRun } from '../../dag/verdict.ts'

function node(id: string, upstream: string[] = [], rule: TriggerRule = 'all_success'): TaskNode {
  return {
    ...{ id, kind: 'task', activity: 'work', input: { from: 'date' }, upstream, rule, choices: [] },
    ...{ retries: 0, retryDelayMs: 1, retryBackoff: 1, maxRetryDelayMs: null },
    ...{ timeoutMs: 1, heartbeatTimeoutMs: null },
  }
}

function branchNode(id: string, choices: string[]): TaskNode {
  return { ...node(id), kind: 'branch', choices }
}

function graphOf(...tasks: TaskNode[]): Graph {
  return { dagId: 'a_dag', tasks, onFailure: null }
}

type End = 'success' | 'failed' | string[]

interface Ran {
  states: TaskStates
  started: string[]
}

/** Runs a graph to its end; `pick` says which of the running tasks ends next, `ends` how. */
function run(
  graph: Graph,
  ends: Record<string, End>,
  pick = (running: string[]) => running[0],
): Ran {
  let states = initialStates(graph)
  const started: string[] = []
  const running: string[] = []
  const apply = (event: RunEvent) => {
    const step = reduce(graph, states, event)
    states = step.states
    for (const { taskId } of step.starts) {
      started.push(taskId)
      running.push(taskId)
    }
  }
  apply({ type: 'run_started' })
  for (let next = pick(running); next !== undefined; next = pick(running)) {
    running.splice(running.indexOf(next), 1)
    apply(eventOf(next, ends[next] ?? 'success'))
  }
  return { states, started }
}

function eventOf(taskId: string, end: End): RunEvent {
  if (end === 'failed') return { type: 'task_failed', taskId, reason: 'it broke' }
  return { type: 'task_succeeded', taskId, ...(end === 'success' ? {} : { chosen: end }) }
}

function stateNames({ states }: { states: TaskStates }): Record<string, TaskState> {
  return Object.fromEntries(Object.entries(states).map(([id, { state }]) => [id, state]))
}

describe('a chain and a diamond', () => {
  const diamond = graphOf(
    node('a'),
    node('b', ['a']),
    node('c', ['a']),
    node('d', ['b', 'c']),
    node('e', ['d'], 'all_done'),
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
    const ran = run(diamond, { b: 'failed' })
    expect(stateNames(ran)).toEqual({
      ...{ a: 'success', b: 'failed', c: 'success', d: 'upstream_failed', e: 'success' },
    })
    expect(ran.states['d']?.reason).toMatch(/^all_success: b failed, c (running|success)$/)
  })

  test('do not change the states they were given', () => {
    const states = initialStates(diamond)
    reduce(diamond, states, { type: 'run_started' })
    expect(states).toEqual(initialStates(diamond))
  })
})

describe('a branch', () => {
  const graph = graphOf(
    branchNode('choose', ['x', 'y', 'join']),
    node('x', ['choose']),
    node('y', ['choose']),
    node('join', ['choose', 'x'], 'none_failed_min_one_success'),
    node('after_y', ['y']),
  )

  test.each<[string[], Record<string, TaskState>]>([
    // x leads to join, so join is followed although it was not chosen.
    [['x'], { x: 'success', y: 'skipped', join: 'success', after_y: 'skipped' }],
    [['y'], { x: 'skipped', y: 'success', join: 'skipped', after_y: 'success' }],
    [['x', 'y'], { x: 'success', y: 'success', join: 'success', after_y: 'success' }],
    [[], { x: 'skipped', y: 'skipped', join: 'skipped', after_y: 'skipped' }],
  ])('that chooses %j skips the others', (chosen, expected) => {
    expect(stateNames(run(graph, { choose: chosen }))).toEqual({ choose: 'success', ...expected })
  })

  test('says who skipped a task', () => {
    const { states } = run(graph, { choose: ['y'] })
    expect(explain(graph, states, 'x')).toBe('x is skipped (choose chose y)')
  })

  test('fails when it chooses what is not downstream of it', () => {
    const { states } = run(graph, { choose: ['nowhere'] })
    expect(states['choose']).toEqual({
      state: 'failed',
      reason: 'it chose nowhere; it may choose x, y, join',
    })
    expect(states['x']?.state).toBe('upstream_failed')
  })
})

describe('the verdict of a run', () => {
  const ended = { isCancelled: false, timedOut: undefined }

  test('a leaf that could not run fails it', () => {
    const graph = graphOf(node('a'), node('b', ['a']))
    expect(judgeRun(graph, run(graph, { a: 'failed' }).states, ended)).toEqual({
      state: 'failed',
      failedTasks: ['a'],
      summary: 'a failed (it broke); so b did not run',
    })
  })

  test('a failed task behind which a leaf succeeds does not fail it, but is named', () => {
    const graph = graphOf(node('a'), node('clean_up', ['a'], 'all_done'))
    expect(judgeRun(graph, run(graph, { a: 'failed' }).states, ended)).toEqual({
      state: 'success',
      failedTasks: ['a'],
      summary: 'success with failed tasks: a',
    })
  })

  test('a watcher leaf turns that into a failure', () => {
    const graph = graphOf(
      ...[node('a'), node('clean_up', ['a'], 'all_done')],
      node('watcher', ['a', 'clean_up'], 'one_failed'),
    )
    const { states } = run(graph, { a: 'failed', watcher: 'failed' })
    expect(judgeRun(graph, states, ended).state).toBe('failed')
    expect(stateNames(run(graph, {})).watcher).toBe('skipped')
  })

  test('skipped leaves do not fail it', () => {
    const graph = graphOf(branchNode('choose', ['x']), node('x', ['choose']))
    expect(judgeRun(graph, run(graph, { choose: [] }).states, ended).state).toBe('success')
  })

  test('unfinished tasks mean that it was cancelled', () => {
    const graph = graphOf(node('a'), node('b', ['a']))
    const { states } = reduce(graph, initialStates(graph), { type: 'run_started' })
    const cancelled = reduce(graph, states, { type: 'task_cancelled', taskId: 'a' })
    expect(cancelled.starts).toEqual([])
    expect(judgeRun(graph, cancelled.states, ended).state).toBe('cancelled')
  })
})

/** Any graph of up to 8 tasks with any rules, and how each task ends. */
const anyRun = fc
  .integer({ min: 1, max: 8 })
  .chain((size) =>
    fc.record({
      edges: fc.array(fc.array(fc.boolean(), { minLength: size, maxLength: size }), {
        ...{ minLength: size, maxLength: size },
      }),
      rules: fc.array(fc.constantFrom(...triggerRules), { minLength: size, maxLength: size }),
      fails: fc.array(fc.boolean(), { minLength: size, maxLength: size }),
      picks: fc.array(fc.nat(), { minLength: size, maxLength: size }),
    }),
  )
  .map(({ edges, rules, fails, picks }) => {
    const ids = rules.map((_, index) => `t${index}`)
    const tasks = ids.map((id, index) => {
      const upstream = ids.slice(0, index).filter((_, other) => edges[index]?.[other])
      return node(id, upstream, rules[index])
    })
    const ends = Object.fromEntries(
      ids.map((id, index) => [id, fails[index] ? 'failed' : 'success']),
    )
    return { graph: graphOf(...tasks), ends: ends as Record<string, End>, picks }
  })

describe('any graph, any rules, any ends', () => {
  test('every task ends, each starts at most once, and only those that ran can have failed', () => {
    fc.assert(
      fc.property(anyRun, ({ graph, ends }) => {
        const { states, started } = run(graph, ends)
        const names = Object.values(states).map((status) => status.state)
        expect(names.filter((state) => state === 'none' || state === 'running')).toEqual([])
        expect(new Set(started).size).toBe(started.length)
        for (const { id } of graph.tasks) {
          const hasRun = ['success', 'failed'].includes(states[id]?.state ?? '')
          expect(hasRun).toBe(started.includes(id))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('the end does not depend on the order in which tasks end', () => {
    fc.assert(
      fc.property(anyRun, ({ graph, ends, picks }) => {
        let turn = 0
        const inAnyOrder = (running: string[]) =>
          running[(picks[turn++ % picks.length] ?? 0) % Math.max(running.length, 1)]
        // A task under `always` runs whatever comes before it, so only its own end is compared.
        expect(stateNames(run(graph, ends, inAnyOrder))).toEqual(stateNames(run(graph, ends)))
      }),
      { numRuns: 500 },
    )
  })
})
