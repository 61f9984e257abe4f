import type { TaskNode } from '../graph.ts'
import { endOfMapped, readItems } from '../mapped-task.ts'
import type { TaskEnd } from '../reducer.ts'
import type { InstanceCounts } from '../task-state.ts'
import type { FakeTasks } from './fake-task.ts'

type BeginInstance = (tasks: FakeTasks) => Promise<void>

/** Runs a mapped task: its fake is asked once for each item of the list, so many at once. */
export async function beginMapped(
  tasks: FakeTasks,
  task: TaskNode,
  beginInstance: BeginInstance,
): Promise<void> {
  const taskId = task.id
  const read = readItems(task, tasks.values())
  if ('type' in read) return tasks.onEnd(read)
  const { items } = read
  const ends: TaskEnd[] = []
  const inputs: unknown[] = []
  const outputs: unknown[] = items.map(() => null)
  let next = 0

  const beginNext = async (): Promise<void> => {
    if (next >= items.length) return tasks.turns.give(taskId)
    const index = next
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
    if (instances.unfinished === 0) {
      tasks.onOutput(taskId, outputs)
      return tasks.onEnd(endOfMapped(taskId, instances, failuresIn(ends)))
    }
    tasks.onProgress({ type: 'task_progressed', taskId, instances })
    tasks.turns.give(taskId)
    takeTurn()
  }

  const takeTurn = () => tasks.turns.take(taskId, () => tasks.clock.after(0, taskId, beginNext))

  const lanes = Math.min(task.mapping?.maxParallel ?? items.length, items.length)
  for (let lane = 0; lane < lanes; lane++) takeTurn()
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
