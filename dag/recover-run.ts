import type { Graph } from './graph.ts'
import { initialStates } from './reducer.ts'
import type { TaskState, TaskStates, TaskStatus } from './task-state.ts'
import { stateOf } from './task-state.ts'

/** An attempt of a task, or what a person did to it. */
export interface RecordedStep {
  readonly taskId: string
  /** How the attempt ended, or `running`; what the person made of the task. */
  readonly state: TaskState
  readonly reason: string
  /** null: a person did it. */
  readonly attempt: number | null
}

export interface RecordedRun {
  readonly graph: Graph
  readonly states: TaskStates
  /** What happened in a run without an end on record, oldest first; null for all others. */
  readonly steps: readonly RecordedStep[] | null
}

/**
 * The states of a run as a clear goes on from them. A run that was terminated wrote none: they follow
 * from its attempts and from what people did. What its tasks returned stays unknown.
 */
export function recoverRun<Run extends RecordedRun>(run: Run): Run & { unknownOutputs?: string[] } {
  const { graph, steps } = run
  if (steps === null) return run
  const states: Record<string, TaskStatus> = { ...initialStates(graph), ...run.states }
  const ranHere = new Set<string>()
  for (const step of steps) {
    const task = graph.tasks.find(({ id }) => id === taskIdOf(step))
    if (task === undefined) continue
    states[task.id] = statusAfter(step, task.retries)
    if (step.attempt === null) ranHere.delete(task.id)
    else ranHere.add(task.id)
  }
  const unknownOutputs = [...ranHere].filter((id) => stateOf(states, id) === 'success')
  return { ...run, states, unknownOutputs }
}

/** `parse[3]` is an instance of `parse`. */
function taskIdOf({ taskId }: RecordedStep): string {
  return taskId.replace(/\[\d+\]$/, '')
}

const cut: TaskStatus = { state: 'cancelled', reason: 'its run was terminated' }

function statusAfter(step: RecordedStep, retries: number): TaskStatus {
  const { state, reason, attempt, taskId } = step
  if (attempt === null) return { state, reason }
  // That all instances of a mapped task have ended is not on record.
  if (taskId !== taskIdOf(step)) return cut
  if (state === 'success') return { state, reason: 'it ran and succeeded' }
  return state === 'failed' && attempt > retries ? { state, reason } : cut
}
