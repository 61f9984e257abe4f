import type { Graph } from './graph.ts'
import { directDownstream } from './graph.ts'
import type { TaskStates, TaskState } from './reducer.ts'

export interface Verdict {
  readonly state: 'success' | 'failed' | 'cancelled'
  /** Tasks that ran and failed, in the order of the graph. */
  readonly failedTasks: readonly string[]
  /** One line for a person. */
  readonly summary: string
}

/**
 * How a run has ended, by its leaves: one that failed or could not run fails the run. A task that
 * failed inside while all leaves succeeded does not, but it is named.
 */
export function judgeRun(graph: Graph, states: TaskStates): Verdict {
  const stateOf = (id: string): TaskState => states[id]?.state ?? 'none'
  const ids = graph.tasks.map((task) => task.id)
  const failedTasks = ids.filter((id) => stateOf(id) === 'failed')
  const badLeaves = ids
    .filter((id) => directDownstream(graph, id).length === 0)
    .filter((id) => stateOf(id) === 'failed' || stateOf(id) === 'upstream_failed')
  if (ids.some((id) => ['none', 'running', 'cancelled'].includes(stateOf(id)))) {
    return { state: 'cancelled', failedTasks, summary: 'cancelled before all tasks had ended' }
  }
  if (badLeaves.length > 0) return { state: 'failed', failedTasks, summary: whyFailed() }
  if (failedTasks.length === 0) return { state: 'success', failedTasks, summary: 'success' }
  const summary = `success with failed tasks: ${failedTasks.join(', ')}`
  return { state: 'success', failedTasks, summary }

  function whyFailed(): string {
    const causes = failedTasks.map((id) => `${id} failed (${states[id]?.reason ?? ''})`)
    const blocked = badLeaves.filter((id) => stateOf(id) === 'upstream_failed')
    if (blocked.length > 0) causes.push(`so ${blocked.join(', ')} did not run`)
    return causes.join('; ')
  }
}
