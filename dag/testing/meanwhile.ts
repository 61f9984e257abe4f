import type { z } from 'zod'
import type { Duration } from '../duration.ts'
import { toMs } from '../duration.ts'
import type { Graph } from '../graph.ts'
import { clearEvent, ClearSelection, planClear } from '../plan-clear.ts'
import type { MarkedState, RunEvent } from '../reducer.ts'
import type { TaskStates } from '../task-state.ts'
import type { TestLoop } from './test-loop.ts'

type Selection = Omit<z.input<typeof ClearSelection>, 'tasks'> & {
  readonly tasks?: readonly string[]
}

/** What a person does while the run goes on. */
export type Meanwhile = { readonly at: Duration } & (
  | { readonly clear: Selection }
  | { readonly mark: readonly string[]; readonly as: MarkedState }
  | { readonly cancel: true }
)

/** Returns a check that all of it was done before the run had ended. */
export function planMeanwhile(
  loop: TestLoop,
  graph: Graph,
  planned: readonly Meanwhile[],
): () => void {
  const left = new Set(planned)
  for (const one of planned) {
    loop.clock.after(toMs(one.at), ':meanwhile', () => {
      left.delete(one)
      loop.apply(eventOf(graph, loop.states(), one))
    })
  }
  return () => {
    const [missed] = left
    if (missed === undefined) return
    const seconds = loop.clock.elapsedMs() / 1_000
    throw new Error(`The run ended after ${seconds} s, before what was to be done at ${missed.at}`)
  }
}

function eventOf(graph: Graph, states: TaskStates, one: Meanwhile): RunEvent {
  if ('cancel' in one) return { type: 'run_cancelled' }
  if ('clear' in one) {
    const plan = planClear(graph, states, ClearSelection.parse(one.clear))
    if ('problem' in plan) throw new Error(`Nothing can be cleared at ${one.at}: ${plan.problem}`)
    return clearEvent(plan.tasks)
  }
  const unknown = one.mark.filter((id) => states[id] === undefined)
  if (unknown.length > 0) throw new Error(`${graph.dagId} has no task ${unknown.join(', ')}`)
  return {
    ...{ type: 'tasks_marked', taskIds: one.mark, state: one.as },
    reason: 'marked by the test',
  }
}
