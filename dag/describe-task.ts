import type { TaskNode } from './graph.ts'

/** What a picture of a graph says about a task besides its name: what it is, and its rule. */
export function describeTask(task: TaskNode): string[] {
  return [
    ...(task.kind === 'task' ? [] : [task.kind]),
    ...(task.isSetup ? ['setup'] : []),
    ...(task.teardown === undefined ? [] : [`teardown of ${task.teardown.setups.join(', ')}`]),
    ...(task.rule === 'all_success' ? [] : [task.rule]),
  ]
}
