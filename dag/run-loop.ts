import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  defineQuery,
  isCancellation,
  scheduleActivity,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow'
import type { Graph, TaskNode } from './graph.ts'
import { taskOf } from './graph.ts'
import type { RunEvent, TaskStates } from './reducer.ts'
import type { RetryDelays } from './retry-delay.ts'
import { explain, initialStates, reduce } from './reducer.ts'
import { renderGrid } from './render-grid.ts'
import { resolveInput } from './resolve-input.ts'

/** All tasks with state and reason. */
export const stateQuery = defineQuery<TaskStates>('state')
/** Why a task is in its state, or what it waits for. */
export const whyQuery = defineQuery<string, [taskId: string]>('why')

export interface GraphRun {
  readonly graph: Graph
  readonly date: string
  readonly params: unknown
}

/**
 * Runs the tasks of a recorded graph until none can start any more; returns their states. A failed
 * task is a state, not an error. When the run is cancelled its running tasks are, and none starts.
 */
export async function runGraph({ graph, date, params }: GraphRun): Promise<TaskStates> {
  const outputs = new Map<string, unknown>()
  let states = initialStates(graph)
  setHandler(stateQuery, () => states, { description: 'All tasks with their states and reasons' })
  setHandler(whyQuery, (taskId) => explain(graph, states, taskId), {
    description: 'Why a task is in its state; takes the task id',
  })

  const advance = async (event: RunEvent): Promise<void> => {
    const step = reduce(graph, states, event)
    states = step.states
    setCurrentDetails(renderGrid(graph, states))
    await Promise.all(step.starts.map(({ taskId }) => runTask(taskOf(graph, taskId)).then(advance)))
  }

  const runTask = async (task: TaskNode): Promise<RunEvent> => {
    try {
      const input = resolveInput(task.input, { date, params, outputs })
      const args = [input, retryDelays(task)]
      const output = await scheduleActivity(task.activity, args, activityOptions(task))
      outputs.set(task.id, output)
      return { type: 'task_succeeded', taskId: task.id, chosen: chosenIds(task, output) }
    } catch (error) {
      return endOfFailedTask(task, error)
    }
  }

  await advance({ type: 'run_started' })
  return states
}

/** A lost worker is no fault of the task: another one takes it up soon, whatever its own delay. */
const lostWorkerDelayMs = 5_000

/** The worker applies these to what a task throws; the policy of the activity is left to time-outs. */
function retryDelays(task: TaskNode): RetryDelays {
  const { retryDelayMs, retryBackoff, maxRetryDelayMs } = task
  return { retryDelayMs, retryBackoff, maxRetryDelayMs }
}

function activityOptions(task: TaskNode) {
  return {
    // Temporal's own tools then name the task as people do.
    activityId: task.id,
    summary: task.id,
    startToCloseTimeout: task.timeoutMs,
    ...(task.heartbeatTimeoutMs === null ? {} : { heartbeatTimeout: task.heartbeatTimeoutMs }),
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      maximumAttempts: task.retries + 1,
      // Temporal refuses an interval of nothing.
      initialInterval: Math.min(Math.max(task.retryDelayMs, 1), lostWorkerDelayMs),
      backoffCoefficient: 1,
    },
  }
}

/** What a branch's activity returned, as ids: one, several or none. */
function chosenIds(task: TaskNode, output: unknown): string[] {
  if (task.kind === 'task' || output === null || output === undefined) return []
  return (Array.isArray(output) ? output : [output]).map(String)
}

function endOfFailedTask(task: TaskNode, error: unknown): RunEvent {
  const isRunCancelled = CancellationScope.current().consideredCancelled
  if (isCancellation(error) && isRunCancelled) return { type: 'task_cancelled', taskId: task.id }
  if (!(error instanceof ActivityFailure)) throw error
  return { type: 'task_failed', taskId: task.id, reason: describeFailure(error) }
}

/** `ChecksFailed: …` of the failure that the activity threw. */
export function describeFailure(error: ActivityFailure): string {
  const cause = error.cause ?? error
  if (cause instanceof ApplicationFailure && cause.type && cause.type !== 'Error') {
    return `${cause.type}: ${cause.message}`
  }
  return cause.message
}
