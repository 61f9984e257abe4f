import type { Graph } from './graph.ts'
import { taskOf } from './graph.ts'
import type { TaskStates, TaskStatus } from './task-state.ts'
import { isActive, stateOf } from './task-state.ts'
import type { Verdict } from './verdict.ts'

/** What the activity of a DAG's `onFailure` is told. */
export interface FailedRun {
  dagId: string
  date: string
  runKey: string
  /** In the order of the graph. */
  failedTasks: string[]
  /** The one that ended last; null where none failed, as when the run took too long. */
  lastFailedTask: string | null
  reason: string
}

/** What the activity of a DAG's `onSuccess` is told. */
export interface SucceededRun {
  dagId: string
  date: string
  runKey: string
  /** The task that succeeded last; null where all were skipped. */
  lastSucceededTask: string | null
  /** Tasks that failed though the run did not. */
  failedTasks: string[]
}

/** What the activity of a task's `onSuccess`, `onFailure` or `onSkipped` is told. */
export interface EndedTask {
  dagId: string
  date: string
  runKey: string
  taskId: string
  state: EndState
  reason: string
}

/** How a task ends by itself, not by what others decide. */
export type EndState = 'success' | 'failed' | 'skipped'

/** An activity that is told of an end; what becomes of it changes nothing. */
export interface Callback {
  readonly activity: string
  readonly activityId: string
  readonly input: FailedRun | SucceededRun | EndedTask
}

export interface CallingRun {
  readonly graph: Graph
  readonly date: string
  readonly runKey: string
}

const callbackNames = {
  success: 'on_success',
  failed: 'on_failure',
  skipped: 'on_skipped',
} as const satisfies Record<EndState, string>

/** Ids of the tasks that have succeeded or failed, the last one last; `order` is what they were before. */
export function orderOfEnds(
  order: readonly string[],
  before: TaskStates,
  after: TaskStates,
): readonly string[] {
  const ended = Object.entries(after).flatMap(([id, { state }]) => {
    const isEnd = state === 'success' || state === 'failed'
    return isEnd && stateOf(before, id) !== state ? [id] : []
  })
  return ended.length === 0 ? order : [...order.filter((id) => !ended.includes(id)), ...ended]
}

/** Who is told how a run ended; nobody of one that was cancelled. */
export function callbackOfRun(
  { graph, date, runKey }: CallingRun,
  { state, failedTasks, summary }: Verdict,
  { states, ends }: { readonly states: TaskStates; readonly ends: readonly string[] },
): Callback | undefined {
  const { dagId, onFailure, onSuccess } = graph
  const last = (end: EndState) => ends.findLast((id) => stateOf(states, id) === end) ?? null
  const run = { dagId, date, runKey, failedTasks: [...failedTasks] }
  if (state === 'failed' && onFailure !== null) {
    const input = { ...run, lastFailedTask: last('failed'), reason: summary }
    return { activity: onFailure, activityId: callbackNames.failed, input }
  }
  if (state === 'success' && onSuccess !== undefined) {
    const input = { ...run, lastSucceededTask: last('success') }
    return { activity: onSuccess, activityId: callbackNames.success, input }
  }
  return undefined
}

/**
 * Who is told how a task ended. As in Airflow only of what the task itself came to: nobody is told
 * of a task that others skipped or stopped, or that a person marked.
 */
export function callbackOfTask(
  { graph, date, runKey }: CallingRun,
  taskId: string,
  before: TaskStatus | undefined,
  after: TaskStatus | undefined,
): Callback | undefined {
  if (!isActive(before) || before?.then !== undefined || after === undefined) return undefined
  const { state, reason, cleared, because } = after
  // It was active only to wait for its past.
  if (because !== undefined) return undefined
  if (state !== 'success' && state !== 'failed' && state !== 'skipped') return undefined
  const activity = taskOf(graph, taskId).callbacks?.[state]
  if (activity === undefined) return undefined
  const { dagId } = graph
  // The colon says that it is no task. One of before a clear may still run beside it.
  const activityId = `${taskId}:${callbackNames[state]}${cleared === undefined ? '' : `:${cleared}`}`
  return { activity, activityId, input: { dagId, date, runKey, taskId, state, reason } }
}
