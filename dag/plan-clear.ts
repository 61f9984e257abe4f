import { z } from 'zod'
import type { Graph } from './graph.ts'
import { taskOf, withDownstream, withUpstream } from './graph.ts'
import { relevantSetups, teardownsOf } from './setups.ts'
import type { RunEvent } from './reducer.ts'
import { readChoices, unknownInstances, withInstances } from './plan-instances.ts'
import type { TaskState, TaskStates, TaskStatus } from './task-state.ts'
import { stateOf } from './task-state.ts'

/** Which tasks of a run are to run again. */
export const ClearSelection = z.strictObject({
  /**
   * The tasks to begin with; `parse[3,7]` and `parse[0-4]` are instances of a mapped one, `parse[]` what its list
   * has that is new or has changed. If empty: all
   * that failed or could not run, of a mapped task its failed instances; with `onlyRunning` all that run.
   */
  tasks: z.array(z.string()).default([]),
  downstream: z.boolean().default(true),
  upstream: z.boolean().default(false),
  /** Of all these only the failed and upstream_failed ones. Airflow's default; here what comes after is run again too. */
  onlyFailed: z.boolean().default(false),
  /** Of all these only those that run now; they are stopped and start again. */
  onlyRunning: z.boolean().default(false),
  /** Refuses the whole instead of stopping a task that runs. */
  preventRunningTask: z.boolean().default(false),
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
  /** Also what comes after the chosen tasks: a clear takes it along, a mark does not, unless said. */
  downstream: z.boolean().optional(),
  /**
   * The graph that the ended run recorded; the `latest` one of the code; or that one, of which only
   * the tasks run that the ended run did not have, whatever is selected. Without it the DAG decides,
   * then the setting RERUN_WITH_LATEST_VERSION. A mark keeps the recorded one.
   */
  graph: z.enum(['recorded', 'latest', 'new_tasks']).optional(),
  /** The params that the ended run was started with, or those given beside the clear. */
  params: z.enum(['recorded', 'given']).default('recorded'),
  /** The tasks get this state instead of running again; what failed behind them runs again. */
  mark: z.enum(markedStates).optional(),
})
export type ClearRequest = z.infer<typeof ClearRequest>

/** The request, with what decides where it does not say which tasks: those of then, or of now. */
export function withGraph(request: ClearRequest, latest: boolean): ClearRequest {
  const isOpen = request.graph === undefined && request.mark === undefined
  return isOpen && latest ? { ...request, graph: 'latest' } : { graph: 'recorded', ...request }
}

export interface ClearedTask {
  readonly taskId: string
  readonly state: TaskState
  /** Why it is in the selection. */
  readonly why: string
  /** Of a mapped task of which only these run again: their indexes, as `0-2,7`. */
  readonly instances?: string
}

/** Why a selection makes no sense for a run, in words for whoever made it. */
export interface Problem {
  readonly problem: string
}

const failedStates: readonly TaskState[] = ['failed', 'upstream_failed']
const runningStates: readonly TaskState[] = ['running', 'restarting']

/**
 * The tasks that a clear runs again, in the order of the graph: the chosen ones, what is asked for
 * around them, and the set-ups and teardowns of all these. The filter by state comes last.
 */
export function planClear(
  graph: Graph,
  states: TaskStates,
  selection: ClearSelection,
): { tasks: ClearedTask[] } | Problem {
  const { onlyFailed, onlyRunning } = selection
  if (onlyFailed && onlyRunning) {
    return { problem: 'only what failed and only what is running exclude each other: ask for one' }
  }
  const choices = readChoices(selection.tasks)
  const wrong = unknownTasks(graph, [...choices.keys()]) ?? unknownInstances(graph, states, choices)
  if (wrong !== undefined) return wrong
  const whyOf = selectTasks(graph, states, { ...selection, tasks: [...choices.keys()] })
  const tasks = graph.tasks
    .map(({ id }) => ({ taskId: id, state: stateOf(states, id), why: whyOf.get(id) }))
    .flatMap(({ why, ...task }) => (why === undefined ? [] : [{ ...task, why }]))
    .filter(({ state }) => state !== 'none')
    .filter(({ state }) => !onlyFailed || failedStates.includes(state))
    .filter(({ state }) => !onlyRunning || runningStates.includes(state))
    .flatMap((task) => withInstances(graph, states, task, { choices, whyOf, selection }))
  if (tasks.length === 0) return { problem: nothingToClear }
  const running = tasks.filter(({ state }) => runningStates.includes(state))
  if (!selection.preventRunningTask || running.length === 0) return { tasks }
  const names = running.map(({ taskId }) => taskId).join(', ')
  return {
    problem: `${names} would be stopped, and nothing that is running is to be: wait for its end`,
  }
}

export const nothingToClear = 'there is nothing to clear'

export function unknownTasks(graph: Graph, tasks: readonly string[]): Problem | undefined {
  const known = graph.tasks.map(({ id }) => id)
  const unknown = tasks.filter((id) => !known.includes(id))
  if (unknown.length === 0) return undefined
  const names = unknown.join(', ')
  return { problem: `${graph.dagId} has no task ${names}; it has ${known.join(', ')}` }
}

/** The chosen tasks and those around them that are asked for, each with why. */
export function selectAround(
  graph: Graph,
  chosen: ReadonlyMap<string, string>,
  { downstream, upstream }: { readonly downstream: boolean; readonly upstream: boolean },
): Map<string, string> {
  const why = new Map(chosen)
  if (downstream) addNew(why, withDownstream(graph, [...chosen.keys()]), 'downstream')
  if (upstream) addNew(why, withUpstream(graph, [...chosen.keys()]), 'upstream')
  return why
}

/** What is selected already keeps its first reason. */
function addNew(why: Map<string, string>, ids: Iterable<string>, reason: string): void {
  for (const id of ids) if (!why.has(id)) why.set(id, reason)
}

function selectTasks(
  graph: Graph,
  states: TaskStates,
  selection: ClearSelection,
): Map<string, string> {
  const why = selectAround(graph, chosenTasks(graph, states, selection), selection)
  for (const id of [...why.keys()]) {
    const task = taskOf(graph, id)
    // A teardown alone is run again alone: nothing is made only to be taken away.
    if (task.teardown) continue
    const setups = task.isSetup ? [id] : relevantSetups(graph, task)
    addNew(why, setups, `set-up of ${id}`)
    for (const setup of setups) addNew(why, teardownsOf(graph, setup), `teardown of ${setup}`)
  }
  return why
}

function chosenTasks(
  graph: Graph,
  states: TaskStates,
  { tasks, onlyRunning }: ClearSelection,
): Map<string, string> {
  if (tasks.length > 0) return new Map(tasks.map((id) => [id, 'chosen']))
  const [wanted, why] = onlyRunning
    ? [runningStates, 'it is running']
    : [failedStates, 'it has not succeeded']
  const found = graph.tasks.filter(({ id }) => wanted.includes(stateOf(states, id)))
  return new Map(found.map(({ id }) => [id, why]))
}

/** The states from which a repaired run goes on: what was cleared waits, also what never ended. */
export function clearedStates(
  graph: Graph,
  states: TaskStates,
  cleared: readonly ClearedTask[],
): TaskStates {
  const again = new Map(cleared.map((task) => [task.taskId, task]))
  const entries = graph.tasks.map(({ id }): [string, TaskStates[string]] => {
    const status = states[id]
    if (status === undefined) return [id, { state: 'none', reason: 'it is new in this DAG' }]
    if (hasEnded(status) && !again.has(id)) return [id, status]
    return [id, { state: 'none', reason: 'it was cleared', ...keptOf(status, again.get(id)) }]
  })
  return Object.fromEntries(entries)
}

function keptOf({ ends }: TaskStatus, cleared: ClearedTask | undefined): Pick<TaskStatus, 'kept'> {
  if (ends === undefined || cleared?.instances === undefined) return {}
  return { kept: { ...ends, again: cleared.instances } }
}

/** What happens first when these are cleared. */
export function clearEvent(
  tasks: readonly ClearedTask[],
): Extract<RunEvent, { type: 'tasks_cleared' }> {
  const instances = tasks.flatMap((task) =>
    task.instances === undefined ? [] : [[task.taskId, task.instances] as const],
  )
  return {
    ...{ type: 'tasks_cleared', taskIds: tasks.map(({ taskId }) => taskId) },
    ...(instances.length === 0 ? {} : { instances: Object.fromEntries(instances) }),
  }
}

/** What the end of its run kept from starting has no end of its own. */
function hasEnded({ state, isCutOff }: TaskStatus): boolean {
  if (isCutOff) return false
  return ['success', 'failed', 'skipped', 'upstream_failed'].includes(state)
}

/** Whether it failed, or could not run because others had failed. */
export function isFailed(state: TaskState): boolean {
  return failedStates.includes(state)
}
