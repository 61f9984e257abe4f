import { z } from 'zod'
import type { Graph } from './graph.ts'
import { taskOf, withDownstream, withUpstream } from './graph.ts'
import { relevantSetups, teardownsOf } from './setups.ts'
import type { TaskState, TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

/** Which tasks of a run are to run again. */
export const ClearSelection = z.strictObject({
  /** The tasks to begin with; all that failed or could not run if empty. */
  tasks: z.array(z.string()).default([]),
  downstream: z.boolean().default(true),
  upstream: z.boolean().default(false),
  /** Of all these only the failed and upstream_failed ones. Airflow's default; here what comes after is run again too. */
  onlyFailed: z.boolean().default(false),
})
export type ClearSelection = z.infer<typeof ClearSelection>

/** Who did it and why: every intervention is kept. */
export const signature = { by: z.string().trim().min(1), reason: z.string().default('') }

/** Type of the failure of an intervention that came too late. */
export const runHasEnded = 'RunHasEnded'

/** What a person may say that a task has come to. */
export const markedStates = ['success', 'failed', 'skipped'] as const

/** A clear of a run that has ended: a new execution of it goes on from where it was. */
export const ClearRequest = ClearSelection.extend({
  ...signature,
  /**
   * The graph that the ended run recorded; the `latest` one of the code; or that one, of which only
   * the tasks run that the ended run did not have, whatever is selected.
   */
  graph: z.enum(['recorded', 'latest', 'new_tasks']).default('recorded'),
  /** The params that the ended run was started with, or those given beside the clear. */
  params: z.enum(['recorded', 'given']).default('recorded'),
  /** The tasks get this state instead of running again; what failed behind them runs again. */
  mark: z.enum(markedStates).optional(),
})
export type ClearRequest = z.infer<typeof ClearRequest>

export interface ClearedTask {
  readonly taskId: string
  readonly state: TaskState
  /** Why it is in the selection. */
  readonly why: string
}

const failedStates: readonly TaskState[] = ['failed', 'upstream_failed']

/**
 * The tasks that a clear runs again, in the order of the graph: the chosen ones, what is asked for
 * around them, and the set-ups and teardowns of all these. The filter by state comes last.
 */
export function planClear(
  graph: Graph,
  states: TaskStates,
  selection: ClearSelection,
): { tasks: ClearedTask[] } | { problem: string } {
  const known = new Set(graph.tasks.map((task) => task.id))
  const unknown = selection.tasks.filter((id) => !known.has(id))
  if (unknown.length > 0) {
    return {
      problem: `${graph.dagId} has no task ${unknown.join(', ')}; it has ${[...known].join(', ')}`,
    }
  }
  const whyOf = selectTasks(graph, states, selection)
  const tasks = graph.tasks
    .map(({ id }) => ({ taskId: id, state: stateOf(states, id), why: whyOf.get(id) }))
    .flatMap(({ why, ...task }) => (why === undefined ? [] : [{ ...task, why }]))
    .filter(({ state }) => state !== 'none')
    .filter(({ state }) => !selection.onlyFailed || failedStates.includes(state))
  return tasks.length === 0 ? { problem: 'there is nothing to clear' } : { tasks }
}

function selectTasks(
  graph: Graph,
  states: TaskStates,
  { tasks, downstream, upstream }: ClearSelection,
): Map<string, string> {
  const failed = graph.tasks.map((task) => task.id).filter((id) => isFailed(states, id))
  const chosen = tasks.length > 0 ? tasks : failed
  const why = new Map(
    chosen.map((id) => [id, tasks.length > 0 ? 'chosen' : 'it has not succeeded']),
  )
  const add = (ids: Iterable<string>, reason: string) => {
    for (const id of ids) if (!why.has(id)) why.set(id, reason)
  }
  if (downstream) add(withDownstream(graph, chosen), 'downstream')
  if (upstream) add(withUpstream(graph, chosen), 'upstream')
  for (const id of [...why.keys()]) {
    const task = taskOf(graph, id)
    // A teardown alone is run again alone: nothing is made only to be taken away.
    if (task.teardown) continue
    const setups = task.isSetup ? [id] : relevantSetups(graph, task)
    add(setups, `set-up of ${id}`)
    for (const setup of setups) add(teardownsOf(graph, setup), `teardown of ${setup}`)
  }
  return why
}

function isFailed(states: TaskStates, taskId: string): boolean {
  return failedStates.includes(stateOf(states, taskId))
}

/** The states from which a repaired run goes on: what was cleared waits, also what never ended. */
export function clearedStates(
  graph: Graph,
  states: TaskStates,
  cleared: readonly ClearedTask[],
): TaskStates {
  const again = new Set(cleared.map((task) => task.taskId))
  const entries = graph.tasks.map(({ id }): [string, TaskStates[string]] => {
    const status = states[id]
    if (status === undefined) return [id, { state: 'none', reason: 'it is new in this DAG' }]
    const isDone = ['success', 'failed', 'skipped', 'upstream_failed'].includes(status.state)
    if (isDone && !again.has(id)) return [id, status]
    return [id, { state: 'none', reason: 'it was cleared' }]
  })
  return Object.fromEntries(entries)
}
