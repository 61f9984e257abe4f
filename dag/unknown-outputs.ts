import type { Graph, TaskNode } from './graph.ts'
import { withUpstream } from './graph.ts'
import type { RepairPlan } from './plan-repair.ts'
import { tasksUsed } from './reference.ts'
import type { TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

/**
 * Of a run that never came to its end it is known which tasks succeeded, but not what they returned:
 * those run again whose results are needed by what runs.
 */
export function withUnknownOutputs(
  plan: RepairPlan,
  before: TaskStates,
  unknown: readonly string[],
): RepairPlan {
  const { graph } = plan
  const states: Record<string, TaskStates[string]> = { ...plan.states }
  const added = new Map<string, string>()
  // From the last task on: what is added may itself need what a task before it returned.
  for (const task of graph.tasks.toReversed()) {
    if (!unknown.includes(task.id) || stateOf(states, task.id) !== 'success') continue
    const reader = graph.tasks.find(
      (one) => stateOf(states, one.id) === 'none' && needsResult(graph, one, task),
    )
    if (reader === undefined) continue
    const why = `what it returned is not on record, and ${reader.id} needs it`
    added.set(task.id, why)
    states[task.id] = { state: 'none', reason: why }
  }
  const planned = new Map(plan.tasks.map((task) => [task.taskId, task]))
  const tasks = graph.tasks.flatMap(({ id }) => {
    const why = added.get(id)
    if (why === undefined) return planned.get(id) ?? []
    return [{ taskId: id, state: stateOf(before, id), why }]
  })
  return { ...plan, tasks, states }
}

/** The choice of a branch and the answer of a short circuit are results, too. */
function needsResult(graph: Graph, reader: TaskNode, { id, kind }: TaskNode): boolean {
  const isRead = [...tasksUsed(reader.input), ...tasksUsed(reader.mapping?.over)].includes(id)
  if (isRead || (kind !== 'branch' && kind !== 'short_circuit')) return isRead
  return reader.id !== id && withUpstream(graph, [reader.id]).has(id)
}
