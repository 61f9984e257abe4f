import { z } from 'zod'
import type { Graph } from './graph.ts'
import type { ClearedTask, Problem } from './plan-clear.ts'
import { clearEvent, ClearSelection, nothingToClear, planClear, signature } from './plan-clear.ts'
import { MarkSelection, planMark } from './plan-mark.ts'
import { leftAsTheyAre } from './plan-repair.ts'
import type { RunEvent } from './reducer.ts'
import type { TaskStates } from './task-state.ts'

/** A clear of a run that goes on. */
export const ClearInput = ClearSelection.extend({
  ...signature,
  /** Changes of the params, for what starts from now on. */
  params: z.record(z.string(), z.unknown()).optional(),
})
export const MarkInput = MarkSelection.extend({ ...signature, tasks: z.array(z.string()).min(1) })

export type LiveRequest =
  | ({ readonly action: 'clear' } & z.infer<typeof ClearInput>)
  | ({ readonly action: 'mark' } & z.infer<typeof MarkInput>)

/** What a clear or a mark does to a run that goes on. */
export interface LivePlan {
  /** What happens first; the plan names its consequences. */
  readonly event: RunEvent
  /** What runs again, with the state it has had. */
  readonly tasks: readonly ClearedTask[]
  /** What a mark sets. */
  readonly marked?: readonly ClearedTask[]
  /** What keeps its result though something before it runs again. */
  readonly left: readonly ClearedTask[]
  /** All params, when some of them change. */
  readonly params?: Readonly<Record<string, unknown>>
}

export interface LiveRunNow {
  readonly graph: Graph
  readonly states: TaskStates
  readonly params: unknown
}

export function planLive(run: LiveRunNow, request: LiveRequest): LivePlan | Problem {
  const { graph, states } = run
  if (request.action === 'mark') {
    const plan = planMark(graph, states, request)
    if ('problem' in plan) return plan
    return { event: plan.event, tasks: plan.resumed, marked: plan.marked, left: [] }
  }
  const plan = planClear(graph, states, request)
  // New params are of use also where nothing has begun that would have to run again.
  const isForLater = request.params !== undefined && 'problem' in plan
  if ('problem' in plan && !(isForLater && plan.problem === nothingToClear)) return plan
  const tasks = 'problem' in plan ? [] : plan.tasks
  const event = clearEvent(tasks)
  const left = leftAsTheyAre(graph, states, tasks)
  return { event, tasks, left, ...patchOf(run.params, request.params) }
}

function patchOf(params: unknown, patch: Readonly<Record<string, unknown>> | undefined) {
  return patch === undefined ? {} : { params: { ...asObject(params), ...patch } }
}

function asObject(params: unknown): object {
  return typeof params === 'object' && params !== null ? params : {}
}
