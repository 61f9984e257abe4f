import { endOfDecision } from './end-of-wait.ts'
import type { Graph, TaskNode, TriggerRule } from './graph.ts'
import { initialStates } from './reducer.ts'
import { taskSkipped } from './retry-delay.ts'
import { statusOfEnd } from './status-of-end.ts'
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
  /** Of an approval, and by whom; the task has its state by itself then. */
  readonly decision?: 'approve' | 'reject' | null
  readonly by?: string | null
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
    const begins = step.attempt !== null && stateOf(states, task.id) === 'none'
    states[task.id] = statusAfter(step, task)
    if (step.attempt === null && !step.decision) ranHere.delete(task.id)
    else ranHere.add(task.id)
    for (const id of begins ? endedBefore(graph, states, task) : []) {
      states[id] = { state: 'success', reason: `${task.id} began, which comes after it` }
      ranHere.add(id)
    }
  }
  const unknownOutputs = [...ranHere].filter((id) => stateOf(states, id) === 'success')
  return { ...run, states, unknownOutputs }
}

/** `parse[3]` is an instance of `parse`. */
function taskIdOf({ taskId }: RecordedStep): string {
  return taskId.replace(/\[\d+\]$/, '')
}

/** Under these a task begins when all before it have ended and none has failed. */
const afterAll: readonly TriggerRule[] = [
  'all_success',
  'none_failed',
  'none_failed_min_one_success',
]

/**
 * What must have ended well for the task to begin, of the tasks whose attempts do not say so: the run
 * of another DAG, an approval, a latest-only, all instances of a mapped task.
 */
function endedBefore(graph: Graph, states: TaskStates, { upstream, rule }: TaskNode): string[] {
  if (!afterAll.includes(rule)) return []
  return upstream.flatMap((id) => {
    const task = graph.tasks.find((one) => one.id === id)
    if (task === undefined) return []
    const isOpen = task.kind === 'mapped' ? states[id] === cut : leavesNothing(states, task)
    if (!isOpen) return []
    return [id, ...endedBefore(graph, states, task)]
  })
}

function leavesNothing(states: TaskStates, { id, activity }: TaskNode): boolean {
  return activity === null && stateOf(states, id) === 'none'
}

const cut: TaskStatus = { state: 'cancelled', reason: 'its run was terminated' }

function statusAfter(step: RecordedStep, task: TaskNode): TaskStatus {
  const { state, reason, attempt, taskId, decision, by } = step
  if (decision) {
    return statusOfEnd(task, endOfDecision(task, { decision, by: by ?? 'somebody', reason }))
  }
  if (attempt === null) return { state, reason }
  // That all instances of a mapped task have ended is not on record.
  if (taskId !== taskIdOf(step)) return cut
  if (state === 'success') return { state, reason: 'it ran and succeeded' }
  if (state === 'failed' && reason.startsWith(`${taskSkipped}: `)) {
    return { state: 'skipped', reason: reason.slice(taskSkipped.length + 2) }
  }
  return state === 'failed' && attempt > task.retries ? { state, reason } : cut
}
