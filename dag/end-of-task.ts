import type { TaskNode } from './graph.ts'
import type { TaskEnd } from './reducer.ts'

/** How a task ends whose activity returned this. */
export function endOfSuccess({ id: taskId, kind }: TaskNode, output: unknown): TaskEnd {
  switch (kind) {
    case 'branch':
      return { type: 'task_succeeded', taskId, chosen: chosenIds(output) }
    case 'short_circuit':
      return { type: 'task_succeeded', taskId, isShut: !output }
    case 'task':
    case 'sensor':
    case 'latest_only':
    case 'approval':
    case 'mapped':
    case 'dag_run':
      return { type: 'task_succeeded', taskId }
  }
}

/** What a branch's activity returned, as ids: one, several or none. */
function chosenIds(output: unknown): string[] {
  if (output === null || output === undefined) return []
  return (Array.isArray(output) ? output : [output]).map(String)
}
