import type { TaskNode } from './graph.ts'

/** What a picture of a graph says about a task besides its name: what it is, and its rule. */
export function describeTask(task: TaskNode): string[] {
  return [
    ...(task.otherRun ? [`runs ${task.otherRun.dagId}`] : task.kind === 'task' ? [] : [task.kind]),
    ...(task.isSetup ? ['setup'] : []),
    ...(task.teardown === undefined ? [] : [`teardown of ${task.teardown.setups.join(', ')}`]),
    ...(task.outlets ? [`outlets ${task.outlets.join(', ')}`] : []),
    ...(task.rule === 'all_success' ? [] : [task.rule]),
  ]
}
