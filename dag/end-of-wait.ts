import type { TaskNode } from './graph.ts'
import type { TaskEnd } from './reducer.ts'

/** What becomes of a sensor or an approval whose time is up. */
export function endOfWait({ id: taskId, wait }: TaskNode, detail: string): TaskEnd {
  const reason = `nothing came within ${(wait?.timeoutMs ?? 0) / 1_000} s (${detail})`
  return { type: wait?.onTimeout === 'skip' ? 'task_skipped' : 'task_failed', taskId, reason }
}
