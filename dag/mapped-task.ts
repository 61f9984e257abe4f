import type { TaskNode } from './graph.ts'
import type { TaskEnd } from './reducer.ts'
import type { RunValues } from './resolve-input.ts'
import { resolveInput } from './resolve-input.ts'
import type { InstanceCounts } from './task-state.ts'

const mostItems = 100_000
/** Failed instances that the reason of a task names. */
export const mostFailuresNamed = 5

/** The items that a mapped task runs for, or how it ends without running for any. */
export function readItems(task: TaskNode, values: RunValues): { items: unknown[] } | TaskEnd {
  const taskId = task.id
  const items = task.mapping && resolveInput(task.mapping.over, values)
  if (!Array.isArray(items)) {
    return { type: 'task_failed', taskId, reason: `it is mapped over ${typeof items}, not a list` }
  }
  if (items.length === 0) return { type: 'task_skipped', taskId, reason: 'the list is empty' }
  if (items.length > mostItems) {
    const reason = `it is mapped over ${items.length} items; ${mostItems} are the most`
    return { type: 'task_failed', taskId, reason }
  }
  return { items }
}

/** How a mapped task ends whose instances all have: a failed one fails it. `failures`: the first, in words. */
export function endOfMapped(
  taskId: string,
  instances: InstanceCounts,
  failures: readonly string[],
): TaskEnd {
  const { success, failed, skipped } = instances
  if (failed > 0) {
    const named = failures.slice(0, mostFailuresNamed).join('; ')
    const reason = `${failed} of ${success + failed + skipped} instances failed: ${named}`
    return { type: 'task_failed', taskId, reason, instances }
  }
  if (success === 0) return { type: 'task_skipped', taskId, reason: 'all instances were skipped' }
  return { type: 'task_succeeded', taskId, instances }
}
