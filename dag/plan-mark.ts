import { z } from 'zod'
import type { Graph } from './graph.ts'
import { readChoice } from './instances.ts'
import type { ClearedTask, Problem } from './plan-clear.ts'
import { isFailed, markedStates, selectAround, unknownTasks } from './plan-clear.ts'
import type { RunEvent } from './reducer.ts'
import { reduce } from './reducer.ts'
import type { TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

/** Which tasks of a run get a state by hand. */
export const MarkSelection = z.strictObject({
  tasks: z.array(z.string()),
  state: z.enum(markedStates),
  downstream: z.boolean().default(false),
  upstream: z.boolean().default(false),
})
export type MarkSelection = Pick<
  z.infer<typeof MarkSelection>,
  'tasks' | 'state' | 'downstream' | 'upstream'
>

export interface Signature {
  readonly by: string
  readonly reason: string
}

export interface MarkPlan {
  readonly event: Extract<RunEvent, { type: 'tasks_marked' }>
  /** What gets the state, with the one it has had. */
  readonly marked: readonly ClearedTask[]
  /** What had failed behind it and goes on. */
  readonly resumed: readonly ClearedTask[]
  readonly states: TaskStates
  /** All that waits or may start then, in the order of the graph. */
  readonly waiting: readonly string[]
}

/** What a mark makes of the states of a run. Of the tasks around the chosen ones, those that are in the state already stay as they are. */
export function planMark(
  graph: Graph,
  states: TaskStates,
  { by, reason, state, ...selection }: MarkSelection & Signature,
): MarkPlan | Problem {
  if (selection.tasks.length === 0) return { problem: 'say which tasks' }
  const instance = selection.tasks.find((words) => readChoice(words).indexes !== undefined)
  if (instance !== undefined) {
    return { problem: `a mark takes whole tasks; only a clear takes instances such as ${instance}` }
  }
  const unknown = unknownTasks(graph, selection.tasks)
  if (unknown !== undefined) return unknown
  const chosen = new Map(selection.tasks.map((id) => [id, 'chosen']))
  const whyOf = selectAround(graph, chosen, selection)
  const marked = graph.tasks.flatMap(({ id }): ClearedTask[] => {
    const why = whyOf.get(id)
    const before = stateOf(states, id)
    if (why === undefined || (before === state && !chosen.has(id))) return []
    return [{ taskId: id, state: before, why }]
  })
  const words = `marked by ${by}${reason === '' ? '' : `: ${reason}`}`
  const taskIds = marked.map(({ taskId }) => taskId)
  const event = { type: 'tasks_marked', taskIds, state, reason: words } as const
  const step = reduce(graph, states, event)
  const starts = new Set(step.starts.map(({ taskId }) => taskId))
  const waiting = graph.tasks
    .map(({ id }) => id)
    .filter((id) => starts.has(id) || stateOf(step.states, id) === 'none')
  const why = `downstream of ${selection.tasks.join(', ')}`
  const resumed = waiting
    .map((taskId) => ({ taskId, state: stateOf(states, taskId), why }))
    .filter((task) => isFailed(task.state))
  return { event, marked, resumed, states: step.states, waiting }
}
