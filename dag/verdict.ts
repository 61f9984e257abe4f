import type { Graph, TaskNode } from './graph.ts'
import { directDownstream, taskOf } from './graph.ts'
import type { TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

export interface Verdict {
  readonly state: 'success' | 'failed' | 'cancelled'
  /** Tasks that ran and failed, in the order of the graph. */
  readonly failedTasks: readonly string[]
  /** One line for a person. */
  readonly summary: string
}

/** What has ended a run from outside, if anything has. */
export interface RunEnd {
  readonly isCancelled: boolean
  /** In words, when the run took longer than it may. */
  readonly timedOut: string | undefined
}

/**
 * How a run has ended, as Airflow's dagrun.update_state has it: by its effective leaves. One that
 * failed or could not run fails the run. A task that failed inside while all leaves succeeded does
 * not, unless the DAG says so, but it is named. A DAG that fails fast says so: its leaves are
 * skipped, and in Airflow that makes the run a success.
 */
export function judgeRun(graph: Graph, states: TaskStates, end: RunEnd): Verdict {
  const ids = graph.tasks.map((task) => task.id)
  const failedTasks = ids.filter((id) => stateOf(states, id) === 'failed')
  if (end.timedOut !== undefined) return { state: 'failed', failedTasks, summary: end.timedOut }
  if (end.isCancelled || ids.some((id) => stateOf(states, id) === 'cancelled')) {
    return { state: 'cancelled', failedTasks, summary: 'cancelled before all tasks had ended' }
  }
  const stuck = ids.filter((id) => stateOf(states, id) === 'none')
  if (stuck.length > 0) {
    return { state: 'failed', failedTasks, summary: `all tasks deadlocked: ${stuck.join(', ')}` }
  }
  const badLeaves = effectiveLeaves(graph)
    .map((task) => task.id)
    .filter((id) => ['failed', 'upstream_failed'].includes(stateOf(states, id)))
  const isStrict = graph.failsOnAnyTask === true || graph.isFailFast === true
  const failsByTask = isStrict && failedTasks.some((id) => !isIgnorable(graph, id))
  if (badLeaves.length > 0 || failsByTask) {
    return { state: 'failed', failedTasks, summary: whyFailed(states, failedTasks, badLeaves) }
  }
  if (failedTasks.length === 0) return { state: 'success', failedTasks, summary: 'success' }
  const summary = `success with failed tasks: ${failedTasks.join(', ')}`
  return { state: 'success', failedTasks, summary }
}

/** Tasks with nothing but ignorable teardowns after them; in a DAG of teardowns alone, its leaves. */
export function effectiveLeaves(graph: Graph): TaskNode[] {
  const leaves = graph.tasks.filter(
    ({ id }) =>
      !isIgnorable(graph, id) &&
      directDownstream(graph, id).every((one) => isIgnorable(graph, one)),
  )
  if (leaves.length > 0) return leaves
  return graph.tasks.filter(({ id }) => directDownstream(graph, id).length === 0)
}

function isIgnorable(graph: Graph, taskId: string): boolean {
  return taskOf(graph, taskId).teardown?.failsRun === false
}

function whyFailed(
  states: TaskStates,
  failedTasks: readonly string[],
  badLeaves: readonly string[],
): string {
  const causes = failedTasks.map((id) => `${id} failed (${states[id]?.reason ?? ''})`)
  const blocked = badLeaves.filter((id) => stateOf(states, id) === 'upstream_failed')
  if (blocked.length > 0) causes.push(`so ${blocked.join(', ')} did not run`)
  return causes.join('; ')
}
