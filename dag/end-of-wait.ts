import type { TaskNode } from './graph.ts'
import type { TaskEnd } from './reducer.ts'

export interface Decided {
  readonly decision: 'approve' | 'reject'
  readonly by: string
  readonly reason: string
}

/** What becomes of an approval when a person has decided. */
export function endOfDecision(task: TaskNode, { decision, by, reason }: Decided): TaskEnd {
  const taskId = task.id
  const isRejected = decision === 'reject'
  if (isRejected && task.failsOnReject) {
    const why = reason === '' ? '' : `: ${reason}`
    return { type: 'task_failed', taskId, reason: `rejected by ${by}${why}` }
  }
  return { type: 'task_succeeded', taskId, isShut: isRejected }
}

/** What becomes of a sensor or an approval whose time is up. */
export function endOfWait({ id: taskId, wait }: TaskNode, detail: string): TaskEnd {
  const reason = `nothing came within ${(wait?.timeoutMs ?? 0) / 1_000} s (${detail})`
  return { type: wait?.onTimeout === 'skip' ? 'task_skipped' : 'task_failed', taskId, reason }
}
