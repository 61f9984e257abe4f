import type { Graph, TaskNode } from './graph.ts'
import { taskOf, withDownstream } from './graph.ts'
import type { UpstreamCounts } from './trigger-rules.ts'
import { decide } from './trigger-rules.ts'

/**
 * `running` covers an attempt that waits for a worker or for its next try: only the server knows.
 * `cancelled` is a task that was running when its run was cancelled.
 */
export type TaskState =
  'none' | 'running' | 'success' | 'failed' | 'skipped' | 'upstream_failed' | 'cancelled'

export interface TaskStatus {
  readonly state: TaskState
  /** Why it is in this state, for a person. */
  readonly reason: string
}

export type TaskStates = Readonly<Record<string, TaskStatus>>

export type RunEvent =
  | { readonly type: 'run_started' }
  /** `chosen` comes from a branch: the ids it returned. */
  | {
      readonly type: 'task_succeeded'
      readonly taskId: string
      readonly chosen?: readonly string[]
    }
  | { readonly type: 'task_failed'; readonly taskId: string; readonly reason: string }
  /** The run is being cancelled: nothing starts any more. */
  | { readonly type: 'task_cancelled'; readonly taskId: string }

export interface StartTask {
  readonly taskId: string
  readonly reason: string
}

export interface Step {
  readonly states: TaskStates
  /** Tasks to start now, in the order of the graph. */
  readonly starts: readonly StartTask[]
}

export function initialStates(graph: Graph): TaskStates {
  const waiting: TaskStatus = { state: 'none', reason: 'the run has not started' }
  return Object.fromEntries(graph.tasks.map((task) => [task.id, waiting]))
}

/** What follows from an event: the new states, and the tasks to start. Pure. */
export function reduce(graph: Graph, states: TaskStates, event: RunEvent): Step {
  const next = { ...states }
  apply(graph, next, event)
  const starts = event.type === 'task_cancelled' ? [] : settle(graph, next)
  return { states: next, starts }
}

function apply(graph: Graph, states: Record<string, TaskStatus>, event: RunEvent): void {
  switch (event.type) {
    case 'run_started':
      return
    case 'task_succeeded':
      return applySuccess(graph, states, taskOf(graph, event.taskId), event.chosen ?? [])
    case 'task_failed':
      states[event.taskId] = { state: 'failed', reason: event.reason }
      return
    case 'task_cancelled':
      states[event.taskId] = { state: 'cancelled', reason: 'the run was cancelled' }
      return
  }
}

function applySuccess(
  graph: Graph,
  states: Record<string, TaskStatus>,
  task: TaskNode,
  chosen: readonly string[],
): void {
  if (task.kind === 'task') {
    states[task.id] = { state: 'success', reason: 'it ran and succeeded' }
    return
  }
  const unknown = chosen.filter((id) => !task.choices.includes(id))
  if (unknown.length > 0) {
    const reason = `it chose ${unknown.join(', ')}; it may choose ${task.choices.join(', ')}`
    states[task.id] = { state: 'failed', reason }
    return
  }
  const choice = chosen.length === 0 ? 'nothing' : chosen.join(', ')
  states[task.id] = { state: 'success', reason: `it chose ${choice}` }
  // A choice that leads to another one keeps that one: the join behind both is not skipped.
  const followed = withDownstream(graph, chosen)
  for (const id of task.choices) {
    if (followed.has(id) || states[id]?.state !== 'none') continue
    states[id] = { state: 'skipped', reason: `${task.id} chose ${choice}` }
  }
}

/** One pass in the order of the graph is enough: no decision changes the upstream of an earlier task. */
function settle(graph: Graph, states: Record<string, TaskStatus>): StartTask[] {
  const starts: StartTask[] = []
  for (const task of graph.tasks) {
    if (states[task.id]?.state !== 'none') continue
    const reason = explainUpstream(task, states)
    const decision = decide(task.rule, countUpstream(task, states))
    if (decision === 'run') {
      states[task.id] = { state: 'running', reason }
      starts.push({ taskId: task.id, reason })
    } else {
      states[task.id] = { state: stateAfter[decision], reason }
    }
  }
  return starts
}

const stateAfter = { wait: 'none', skip: 'skipped', upstream_failed: 'upstream_failed' } as const

function countUpstream(task: TaskNode, states: TaskStates): UpstreamCounts {
  const count = (...wanted: TaskState[]) =>
    task.upstream.filter((id) => wanted.includes(states[id]?.state ?? 'none')).length
  return {
    success: count('success'),
    failed: count('failed'),
    skipped: count('skipped'),
    upstreamFailed: count('upstream_failed'),
    unfinished: count('none', 'running', 'cancelled'),
  }
}

/** The rule and the states it looks at: `all_success: extract_orders success, extract_events running`. */
function explainUpstream(task: TaskNode, states: TaskStates): string {
  if (task.upstream.length === 0) return 'it waits for no other task'
  const upstream = task.upstream.map((id) => `${id} ${stateInWords(states[id])}`)
  return `${task.rule}: ${upstream.join(', ')}`
}

function stateInWords(status: TaskStatus | undefined): string {
  return status === undefined || status.state === 'none' ? 'not started' : status.state
}

/** Answers "why is this task not running", and why it is in the state it is in. */
export function explain(graph: Graph, states: TaskStates, taskId: string): string {
  const status = states[taskId]
  if (!status) {
    return `${graph.dagId} has no task ${taskId}; it has ${Object.keys(states).join(', ')}`
  }
  if (status.state !== 'none') return `${taskId} is ${status.state} (${status.reason})`
  return `${taskId} waits (${explainUpstream(taskOf(graph, taskId), states)})`
}
