import type { TaskNode } from '../graph.ts'
import { indexesToRun, indexOfFailure, readIndexes } from '../instances.ts'
import type { InstancesBefore } from '../mapped-task.ts'
import { endOfMapped, endsOf, readItems } from '../mapped-task.ts'
import type { TaskEnd } from '../reducer.ts'
import type { InstanceCounts } from '../task-state.ts'
import type { FakeTasks } from './fake-task.ts'

type BeginInstance = (tasks: FakeTasks) => Promise<void>

/**
 * Runs a mapped task: its fake is asked once for each item of the list, so many at once. After a clear
 * of single instances for those alone.
 */
export async function beginMapped(
  tasks: FakeTasks,
  task: TaskNode,
  beginInstance: BeginInstance,
): Promise<void> {
  const taskId = task.id
  const read = readItems(task, tasks.values())
  if ('type' in read) return tasks.onEnd(read)
  const { items } = read
  const before = tasks.instancesBefore(taskId)
  const indexes = indexesToRun(items, before?.kept)
  const ends = endsBefore(items, indexes, before)
  const inputs: unknown[] = []
  const outputs = items.map((_, index) =>
    ends[index] === undefined ? null : (before?.outputs[index] ?? null),
  )
  let next = 0

  const beginNext = async (): Promise<void> => {
    const index = indexes[next]
    if (index === undefined) return tasks.turns.give(taskId)
    next += 1
    const item = items[index]
    await beginInstance({
      ...tasks,
      values: () => ({ ...tasks.values(), item }),
      activityId: ({ id }) => `${id}[${index}]`,
      onAttempt(_, input) {
        inputs[index] = input
        tasks.onAttempt(taskId, inputs)
      },
      onOutput: (_, output) => void (outputs[index] = output ?? null),
      onEnd: (end) => endInstance(index, end),
    })
  }

  const endInstance = (index: number, end: TaskEnd) => {
    ends[index] = end
    const instances = countEnds(ends, items.length)
    if (instances.unfinished === 0) return endAll(instances)
    tasks.onProgress({ type: 'task_progressed', taskId, instances })
    tasks.turns.give(taskId)
    takeTurn()
  }

  const endAll = (instances: InstanceCounts) => {
    const failures = failuresIn(ends)
    const at = (type: TaskEnd['type']) =>
      ends.flatMap((end, index) => (end.type === type ? [index] : []))
    const result = { failed: at('task_failed'), skipped: at('task_skipped'), failures, outputs }
    tasks.onOutput(taskId, outputs)
    tasks.onEnd(endOfMapped(taskId, instances, failures, endsOf(items, result)))
  }

  const takeTurn = () => tasks.turns.take(taskId, () => tasks.clock.after(0, taskId, beginNext))

  if (indexes.length === 0) return endAll(countEnds(ends, items.length))
  const lanes = Math.min(task.mapping?.maxParallel ?? indexes.length, indexes.length)
  for (let lane = 0; lane < lanes; lane++) takeTurn()
}

/** The ends of the instances that stay as they are. */
function endsBefore(
  items: readonly unknown[],
  indexes: readonly number[],
  before: InstancesBefore | undefined,
): TaskEnd[] {
  const ends: TaskEnd[] = []
  if (before === undefined) return ends
  const { failures, ...kept } = before.kept
  const [failed, skipped] = [readIndexes(kept.failed), readIndexes(kept.skipped)]
  const again = new Set(indexes)
  for (const index of items.keys()) {
    if (again.has(index)) continue
    const taskId = `${index}`
    const reason = failures.find((one) => indexOfFailure(one) === index)?.replace(/^\[\d+\] /, '')
    if (failed.includes(index)) ends[index] = { type: 'task_failed', taskId, reason: reason ?? '' }
    else if (skipped.includes(index)) ends[index] = { type: 'task_skipped', taskId, reason: '' }
    else ends[index] = { type: 'task_succeeded', taskId }
  }
  return ends
}

function countEnds(ends: readonly TaskEnd[], total: number): InstanceCounts {
  const count = (type: TaskEnd['type']) => ends.filter((end) => end.type === type).length
  const [success, failed] = [count('task_succeeded'), count('task_failed')]
  const skipped = count('task_skipped')
  return { success, failed, skipped, unfinished: total - success - failed - skipped }
}

function failuresIn(ends: readonly TaskEnd[]): string[] {
  return ends.flatMap((end, index) =>
    end.type === 'task_failed' ? [`[${index}] ${end.reason}`] : [],
  )
}
