import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Graph } from '../../dag/graph.ts'
import { causeChain, explain } from '../../dag/explain.ts'
import type { TaskStates } from '../../dag/task-state.ts'
import { checkGraph } from '../../dag/validate-graph.ts'
import { judgeRun } from '../../dag/verdict.ts'
import { anyInterventions, anyRun, eventsOf } from './any-run.ts'
import { runToEnd, stateNames } from './run-to-end.ts'

const often = { numRuns: 2_000 }
const anyWithInterventions = fc.record({ run: anyRun, drawn: anyInterventions })

function unfinished(states: TaskStates): string[] {
  const open = ['none', 'queued', 'running', 'restarting']
  return Object.entries(states).flatMap(([id, { state }]) => (open.includes(state) ? [id] : []))
}

/** Set by the task itself, by a person, or by the run: nothing lies behind it. */
function isFirstCause(states: TaskStates, taskId: string): boolean {
  const status = states[taskId]
  return status !== undefined && status.state !== 'upstream_failed' && !status.because?.length
}

function everyReasonSays(graph: Graph, states: TaskStates): void {
  for (const [id, { state, reason }] of Object.entries(states)) {
    expect(reason, id).toMatch(/\S/)
    expect(reason, id).not.toContain('\n')
    if (state === 'none') expect(explain(graph, states, id)).toBe(`${id} waits (${reason})`)
  }
}

describe('any DAG, any rules, kinds, set-ups and ends', () => {
  test('is a DAG that could be defined', () => {
    fc.assert(
      fc.property(anyRun, ({ graph }) => {
        expect(checkGraph(graph)).toEqual([])
      }),
      often,
    )
  })

  /**
   * Left out are DAGs that fail fast: which tasks still ran when the first one failed is a matter of
   * order by nature. `always` is in: such a task starts with the run, before anything has ended.
   */
  test('ends in the same states whatever the order in which tasks end', () => {
    fc.assert(
      fc.property(
        anyRun.filter(({ graph }) => graph.isFailFast !== true),
        ({ graph, ends, pick }) => {
          const expected = stateNames(runToEnd({ graph, ends }).states)
          const newestFirst = (running: readonly string[]) => running.at(-1)
          expect(stateNames(runToEnd({ graph, ends, pick: pick() }).states)).toEqual(expected)
          expect(stateNames(runToEnd({ graph, ends, pick: newestFirst }).states)).toEqual(expected)
        },
      ),
      often,
    )
  })

  test('leaves nothing stuck, starts each task at most once, and only what ran has failed', () => {
    fc.assert(
      fc.property(anyRun, ({ graph, ends, pick }) => {
        const { states, started } = runToEnd({ graph, ends, pick: pick() })
        expect(unfinished(states)).toEqual([])
        expect(new Set(started).size).toBe(started.length)
        for (const [id, { state }] of Object.entries(states)) {
          if (state === 'success' || state === 'failed') expect(started).toContain(id)
          if (state === 'upstream_failed') expect(started).not.toContain(id)
        }
        const verdict = judgeRun(graph, states, { isCancelled: false, timedOut: undefined })
        expect(verdict.summary).toMatch(/\S/)
        expect(verdict.summary).not.toContain('deadlocked')
      }),
      often,
    )
  })

  test('leads every skipped and upstream_failed task back to a first cause', () => {
    fc.assert(
      fc.property(anyRun, ({ graph, ends, pick }) => {
        const { states, started } = runToEnd({ graph, ends, pick: pick() })
        for (const [id, { state }] of Object.entries(states)) {
          if (state !== 'skipped' && state !== 'upstream_failed') continue
          const chain = causeChain(states, id)
          const last = chain.at(-1) ?? ''
          expect(isFirstCause(states, last), `${id}: ${chain.join(' <- ')}`).toBe(true)
          expect(started, `${id}: ${chain.join(' <- ')}`).toContain(last)
          if (state === 'upstream_failed') {
            expect(chain.some((one) => states[one]?.state === 'failed')).toBe(true)
          }
        }
      }),
      often,
    )
  })

  test('tells at every moment why each task is where it is', () => {
    fc.assert(
      fc.property(anyRun, ({ graph, ends, pick }) => {
        for (const states of runToEnd({ graph, ends, pick: pick() }).steps) {
          everyReasonSays(graph, states)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('any such DAG with clears and marks in between', () => {
  test('still ends, and tells at every moment why each task is where it is', () => {
    fc.assert(
      fc.property(anyWithInterventions, ({ run: { graph, ends, pick }, drawn }) => {
        const outside = eventsOf(graph, drawn)
        const { states, steps } = runToEnd({ graph, ends, pick: pick(), outside })
        expect(unfinished(states)).toEqual([])
        for (const step of steps) everyReasonSays(graph, step)
        for (const id of Object.keys(states)) {
          const chain = causeChain(states, id)
          expect(new Set(chain).size).toBe(chain.length)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('ends as it would have without them when all of it is cleared at the end', () => {
    fc.assert(
      fc.property(
        anyWithInterventions.filter(({ run }) => run.graph.isFailFast !== true),
        ({ run: { graph, ends, pick }, drawn }) => {
          const disturbed = runToEnd({ graph, ends, pick: pick(), outside: eventsOf(graph, drawn) })
          const all = graph.tasks.map((task) => task.id)
          const outside = new Map([[0, () => ({ type: 'tasks_cleared', taskIds: all }) as const]])
          const again = runToEnd({ graph, ends, states: disturbed.states, outside })
          expect(stateNames(again.states)).toEqual(stateNames(runToEnd({ graph, ends }).states))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('never has a task run beside itself', () => {
    fc.assert(
      fc.property(anyWithInterventions, ({ run: { graph, ends, pick }, drawn }) => {
        const running = new Set<string>()
        const inOrder = pick()
        const { started } = runToEnd({
          ...{ graph, ends, outside: eventsOf(graph, drawn) },
          pick: (ids) => {
            expect(new Set(ids).size).toBe(ids.length)
            const next = inOrder(ids)
            if (next !== undefined) running.add(next)
            return next
          },
        })
        expect([...running].sort()).toEqual([...new Set(started)].sort())
      }),
      { numRuns: 500 },
    )
  })
})
