import { decideTask } from './decide-task.ts'
import type { Graph } from './graph.ts'
import { taskOf } from './graph.ts'
import { statusOfEnd } from './status-of-end.ts'
import type { InstanceEnds } from './instances.ts'
import type { InstanceCounts, StatesInProgress, TaskStates, TaskStatus } from './task-state.ts'
import { isActive, stateOf } from './task-state.ts'

export type MarkedState = 'success' | 'failed' | 'skipped'

export type RunEvent =
  | { readonly type: 'run_started' }
  /** `chosen` comes from a branch: the ids it returned. `isShut`: a short circuit that lets nothing through. */
  | {
      readonly type: 'task_succeeded'
      readonly taskId: string
      readonly chosen?: readonly string[]
      readonly isShut?: boolean
      readonly instances?: InstanceCounts
      readonly ends?: InstanceEnds
    }
  | {
      readonly type: 'task_failed'
      readonly taskId: string
      readonly reason: string
      readonly instances?: InstanceCounts
      readonly ends?: InstanceEnds
    }
  /** What it needs of the tasks before it is not there. */
  | {
      readonly type: 'task_upstream_failed'
      readonly taskId: string
      readonly reason: string
      readonly because: readonly string[]
    }
  /** The task itself found that there is nothing to do; `because` names who kept it out, if others did. */
  | {
      readonly type: 'task_skipped'
      readonly taskId: string
      readonly reason: string
      readonly because?: readonly string[]
    }
  /** Its attempt was stopped, because the run was or somebody cleared or marked it. */
  | { readonly type: 'task_cancelled'; readonly taskId: string }
  /** It waits for something other than its upstream tasks: a slot, its past, the end of a pause. */
  | { readonly type: 'task_queued'; readonly taskId: string; readonly reason: string }
  | { readonly type: 'task_running'; readonly taskId: string; readonly reason?: string }
  /** The first instance of a mapped task that succeeded or failed can let others start. */
  | {
      readonly type: 'task_progressed'
      readonly taskId: string
      readonly instances: InstanceCounts
    }
  | {
      readonly type: 'tasks_cleared'
      readonly taskIds: readonly string[]
      /** Of mapped tasks of which only these run again, by task id. */
      readonly instances?: Readonly<Record<string, string>>
    }
  | {
      readonly type: 'tasks_marked'
      readonly taskIds: readonly string[]
      readonly state: MarkedState
      readonly reason: string
    }
  /** Nothing starts any more but teardowns. */
  | { readonly type: 'run_cancelled' }
  | { readonly type: 'run_timed_out'; readonly reason: string }

export interface StartTask {
  readonly taskId: string
  readonly reason: string
  /** It does nothing but wait for its past, and is skipped then. */
  readonly skipped?: { readonly because: readonly string[] }
}

export interface Step {
  readonly states: TaskStates
  /** Tasks to start now, in the order of the graph. */
  readonly starts: readonly StartTask[]
  /** Tasks whose attempt is to be stopped. */
  readonly stops: readonly string[]
}

export function initialStates(graph: Graph): TaskStates {
  const waiting: TaskStatus = { state: 'none', reason: 'the run has not started' }
  return Object.fromEntries(graph.tasks.map((task) => [task.id, waiting]))
}

/** What follows from an event: the new states, the tasks to start and those to stop. Pure. */
export function reduce(graph: Graph, states: TaskStates, event: RunEvent): Step {
  const next = { ...states }
  const stops = apply(graph, next, event)
  return { states: next, starts: settle(graph, next), stops }
}

function apply(graph: Graph, states: StatesInProgress, event: RunEvent): string[] {
  switch (event.type) {
    case 'run_started':
      return []
    case 'task_queued':
    case 'task_running':
    case 'task_progressed':
      return setProgress(states, event)
    case 'task_succeeded':
    case 'task_failed':
    case 'task_upstream_failed':
    case 'task_skipped':
    case 'task_cancelled':
      return endTask(graph, states, event)
    case 'tasks_cleared':
      return event.taskIds.flatMap((id) => clearTask(states, id, event.instances?.[id]))
    case 'tasks_marked':
      return markTasks(graph, states, event)
    case 'run_cancelled':
      return stopRun(graph, states, 'cancelled', 'the run was cancelled', 'teardowns run')
    case 'run_timed_out':
      return stopRun(graph, states, 'skipped', event.reason, 'nothing runs')
  }
}

type Progress = Extract<RunEvent, { type: 'task_queued' | 'task_running' | 'task_progressed' }>

function setProgress(states: StatesInProgress, event: Progress): string[] {
  const status = states[event.taskId]
  if (status === undefined || !isActive(status) || status.then) return []
  states[event.taskId] = { ...status, ...progressOf(event) }
  return []
}

function progressOf(event: Progress): Partial<TaskStatus> {
  switch (event.type) {
    case 'task_queued':
      return { state: 'queued', reason: event.reason }
    case 'task_running':
      return { state: 'running', reason: event.reason ?? 'its turn has come' }
    case 'task_progressed':
      return { instances: event.instances }
  }
}

export type TaskEnd = Extract<
  RunEvent,
  {
    type:
      'task_succeeded' | 'task_failed' | 'task_upstream_failed' | 'task_skipped' | 'task_cancelled'
  }
>

function endTask(graph: Graph, states: StatesInProgress, event: TaskEnd): string[] {
  const before = states[event.taskId]
  if (!before || !isActive(before)) return []
  const after = before.then ?? statusOfEnd(taskOf(graph, event.taskId), event)
  states[event.taskId] = keepClears(before, after)
  if (after.state !== 'failed' || graph.isFailFast !== true || before.then) return []
  return failFast(graph, states, event.taskId)
}

/** Airflow's fail_fast: what runs fails, what has not run is skipped, teardowns still run. */
function failFast(graph: Graph, states: StatesInProgress, failedId: string): string[] {
  const reason = `${failedId} failed, and this DAG fails fast`
  const because = [failedId]
  return graph.tasks.flatMap(({ id, teardown }) => {
    const status = states[id]
    if (teardown || status === undefined || isEnding(status)) return []
    if (isActive(status)) {
      // One that still waits for a slot has not run.
      if (status.state !== 'queued')
        return stopTask(states, id, { state: 'failed', reason, because })
      return stopTask(states, id, { state: 'skipped', reason, because, isCutOff: true })
    }
    if (status.state === 'none') {
      states[id] = keepClears(status, { state: 'skipped', reason, because, isCutOff: true })
    }
    return []
  })
}

function stopRun(
  graph: Graph,
  states: StatesInProgress,
  state: 'cancelled' | 'skipped',
  reason: string,
  teardowns: 'teardowns run' | 'nothing runs',
): string[] {
  const after: TaskStatus = { state, reason, ...(state === 'skipped' ? { isCutOff: true } : {}) }
  return graph.tasks.flatMap(({ id, teardown }) => {
    const status = states[id]
    if (status === undefined || isEnding(status)) return []
    if (teardown && teardowns === 'teardowns run') return []
    if (isActive(status)) return stopTask(states, id, after)
    if (status.state === 'none') states[id] = keepClears(status, after)
    return []
  })
}

/** Somebody marked it or the run stopped it already: that holds. */
function isEnding({ then }: TaskStatus): boolean {
  return then !== undefined && then.state !== 'none'
}

/**
 * What is cleared in a run keeps count of it: its attempts are numbered on from there. Instances that
 * stay as they are do so until their task has ended again.
 */
function keepClears({ cleared, kept }: TaskStatus, next: TaskStatus): TaskStatus {
  const goesOn = next.state === 'none' || isActive(next)
  return {
    ...(cleared === undefined ? {} : { cleared }),
    ...(kept && goesOn ? { kept } : {}),
    ...next,
  }
}

/** Its new state holds when its attempt has really ended: nothing may run beside it until then. */
function stopTask(states: StatesInProgress, taskId: string, then: TaskStatus): string[] {
  if (states[taskId] === undefined) return []
  // What its instances have done so far does not count any more.
  const { instances, ends, kept, ...status } = states[taskId]
  const state = then.state === 'none' ? 'restarting' : status.state
  states[taskId] = { ...status, state, reason: then.reason, then }
  return [taskId]
}

function clearTask(states: StatesInProgress, taskId: string, instances?: string): string[] {
  const status = states[taskId]
  if (status === undefined) return []
  const cleared = (status.cleared ?? 0) + 1
  const waiting: TaskStatus = { state: 'none', reason: 'it was cleared' }
  if (isActive(status)) {
    states[taskId] = { ...status, cleared }
    return stopTask(states, taskId, waiting)
  }
  const { ends } = status
  const kept = ends && instances !== undefined ? { kept: { ...ends, again: instances } } : {}
  states[taskId] = { ...waiting, cleared, ...kept }
  return []
}

type Marking = Extract<RunEvent, { type: 'tasks_marked' }>

/** Airflow's: what comes after the marked tasks and had failed or could not run gets another chance. */
function markTasks(graph: Graph, states: StatesInProgress, event: Marking): string[] {
  const { taskIds, state, reason } = event
  const stops = taskIds.flatMap((id) => {
    const status = states[id]
    if (status === undefined) return []
    if (isActive(status)) return stopTask(states, id, { state, reason })
    states[id] = keepClears(status, { state, reason })
    return []
  })
  const marked = new Set(taskIds)
  for (const id of downstreamToResume(graph, states, marked)) clearTask(states, id)
  return stops
}

function downstreamToResume(
  graph: Graph,
  states: TaskStates,
  marked: ReadonlySet<string>,
): string[] {
  const reached = new Set(marked)
  return graph.tasks.flatMap(({ id, upstream }) => {
    if (upstream.some((one) => reached.has(one))) reached.add(id)
    const hasFailed = ['failed', 'upstream_failed'].includes(stateOf(states, id))
    return reached.has(id) && !marked.has(id) && hasFailed ? [id] : []
  })
}

/** One pass in the order of the graph is enough: no decision changes the upstream of an earlier task. */
function settle(graph: Graph, states: StatesInProgress): StartTask[] {
  const starts: StartTask[] = []
  for (const task of graph.tasks) {
    const status = states[task.id]
    if (status?.state !== 'none') continue
    const { decision, reason, because } = decideTask(graph, states, task)
    if (decision === 'run') {
      states[task.id] = keepClears(status, { state: 'running', reason })
      starts.push({ taskId: task.id, reason })
    } else if (decision === 'skip' && task.past?.beforeSkipping) {
      states[task.id] = keepClears(status, { state: 'queued', reason: `to be skipped: ${reason}` })
      starts.push({ taskId: task.id, reason, skipped: { because } })
    } else {
      const cause = decision === 'wait' ? {} : { because }
      states[task.id] = keepClears(status, { ...cause, state: stateAfter[decision], reason })
    }
  }
  return starts
}

const stateAfter = { wait: 'none', skip: 'skipped', upstream_failed: 'upstream_failed' } as const
