import type { TaskNode } from './graph.ts'
import type { TaskEnd } from './reducer.ts'
import type { TaskStatus } from './task-state.ts'

/** The state of a task that has come to this end. */
export function statusOfEnd(task: TaskNode, event: TaskEnd): TaskStatus {
  switch (event.type) {
    case 'task_succeeded':
      return {
        ...successOf(task, event.chosen ?? [], event.isShut === true),
        ...instancesOf(event),
      }
    case 'task_failed':
      return { state: 'failed', reason: event.reason, ...instancesOf(event) }
    case 'task_upstream_failed':
      return { state: 'upstream_failed', reason: event.reason, because: event.because }
    case 'task_skipped':
      return {
        ...{ state: 'skipped', reason: event.reason },
        ...(event.because && { because: event.because }),
      }
    case 'task_cancelled':
      return { state: 'cancelled', reason: 'the run was cancelled' }
  }
}

function instancesOf({
  instances,
  ends,
}: Pick<TaskStatus, 'instances' | 'ends'>): Pick<TaskStatus, 'instances' | 'ends'> {
  return { ...(instances && { instances }), ...(ends && { ends }) }
}

function successOf(task: TaskNode, chosen: readonly string[], isShut: boolean): TaskStatus {
  if (isShut) return { state: 'success', reason: 'it lets nothing through', isShut }
  if (task.kind !== 'branch') return { state: 'success', reason: 'it ran and succeeded' }
  const unknown = chosen.filter((id) => !task.choices.includes(id))
  if (unknown.length > 0) {
    const reason = `it chose ${unknown.join(', ')}; it may choose ${task.choices.join(', ')}`
    return { state: 'failed', reason }
  }
  const choice = chosen.length === 0 ? 'nothing' : chosen.join(', ')
  return { state: 'success', reason: `it chose ${choice}`, chosen }
}
