import type { ActivityOptions } from '@temporalio/workflow'
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  scheduleActivity,
  TimeoutFailure,
} from '@temporalio/workflow'
import { endOfWait } from '../end-of-wait.ts'
import type { TaskNode } from '../graph.ts'
import type { RunEvent } from '../reducer.ts'
import { resolveInput } from '../resolve-input.ts'
import type { AttemptPlan } from '../retry-delay.ts'
import { notYet, taskSkipped } from '../retry-delay.ts'
import type { Approvals } from './approvals.ts'

export interface TaskContext {
  readonly date: string
  readonly params: unknown
  readonly outputs: Map<string, unknown>
  readonly latestUntilMs: number | null
  readonly approvals: Approvals
}

/** Does the work of a task and says how it ended. `cleared`: how often it was before. */
export async function runTask(
  task: TaskNode,
  cleared: number,
  context: TaskContext,
): Promise<RunEvent> {
  const taskId = task.id
  switch (task.kind) {
    case 'latest_only':
      return { type: 'task_succeeded', taskId, isShut: !isLatest(context) }
    case 'approval':
      return context.approvals.wait(task)
    case 'short_circuit': {
      const output = await execute(task, cleared, context)
      return { type: 'task_succeeded', taskId, isShut: !output }
    }
    case 'branch': {
      const output = await execute(task, cleared, context)
      return { type: 'task_succeeded', taskId, chosen: chosenIds(output) }
    }
    case 'task':
    case 'sensor':
      await execute(task, cleared, context)
      return { type: 'task_succeeded', taskId }
  }
}

/** Airflow's latest_only: runs made by hand always pass, others until the interval after theirs has ended. */
function isLatest({ latestUntilMs }: TaskContext): boolean {
  return latestUntilMs === null || Date.now() <= latestUntilMs
}

async function execute(task: TaskNode, cleared: number, context: TaskContext): Promise<unknown> {
  if (task.activity === null) throw new Error(`${task.id} has no activity`)
  const input = resolveInput(task.input, context)
  const output = await scheduleActivity(
    task.activity,
    [input, attemptPlan(task, cleared)],
    activityOptions(task),
  )
  context.outputs.set(task.id, output)
  return output
}

/** A lost worker is no fault of the task: another one takes it up soon, whatever its own delay. */
const lostWorkerDelayMs = 5_000

/** The worker applies these to what a task throws; the policy of the activity is left to time-outs. */
function attemptPlan(task: TaskNode, cleared: number): AttemptPlan {
  const { retryDelayMs, retryBackoff, maxRetryDelayMs, wait } = task
  return {
    ...{ retryDelayMs, retryBackoff, maxRetryDelayMs },
    ...(cleared === 0 ? {} : { cleared }),
    ...(wait === undefined ? {} : { pokeIntervalMs: wait.pokeIntervalMs }),
  }
}

function activityOptions(task: TaskNode): ActivityOptions & { activityId: string } {
  return {
    // Temporal's own tools then name the task as people do.
    activityId: task.id,
    summary: task.id,
    startToCloseTimeout: task.timeoutMs,
    ...(task.heartbeatTimeoutMs === null ? {} : { heartbeatTimeout: task.heartbeatTimeoutMs }),
    ...(task.wait === undefined ? {} : { scheduleToCloseTimeout: task.wait.timeoutMs }),
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      // A sensor is asked until its time is up; every look is an attempt, and costs no event.
      ...(task.kind === 'sensor' ? {} : { maximumAttempts: task.retries + 1 }),
      // Temporal refuses an interval of nothing.
      initialInterval: Math.min(Math.max(task.retryDelayMs, 1), lostWorkerDelayMs),
      backoffCoefficient: 1,
    },
  }
}

/** What a branch's activity returned, as ids: one, several or none. */
function chosenIds(output: unknown): string[] {
  if (output === null || output === undefined) return []
  return (Array.isArray(output) ? output : [output]).map(String)
}

/** How a task ended that threw. Anything but a failed activity is a mistake in Daybook and goes on. */
export function endOfFailedTask(task: TaskNode, error: unknown): RunEvent {
  const taskId = task.id
  if (isCancellation(error) && CancellationScope.current().consideredCancelled) {
    return { type: 'task_cancelled', taskId }
  }
  // A local activity's failure comes as it is: a pool that is too small for the task.
  if (error instanceof ApplicationFailure) {
    return { type: 'task_failed', taskId, reason: inWords(error) }
  }
  if (!(error instanceof ActivityFailure)) throw error
  const { cause } = error
  if (cause instanceof ApplicationFailure && cause.type === taskSkipped) {
    return { type: 'task_skipped', taskId, reason: cause.message }
  }
  const reason = describeFailure(error)
  if (task.wait === undefined || !isOutOfTime(cause)) return { type: 'task_failed', taskId, reason }
  return endOfWait(task, reason)
}

/** The server counts a look that would come too late as the end of the sensor's time. */
function isOutOfTime(cause: Error | undefined): boolean {
  if (cause instanceof ApplicationFailure) return cause.type === notYet
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_CLOSE'
}

export function describeFailure(error: ActivityFailure): string {
  return inWords(error.cause ?? error)
}

/** `ChecksFailed: …` of the failure that the activity threw. */
function inWords(cause: Error): string {
  const hasType = cause instanceof ApplicationFailure && cause.type && cause.type !== 'Error'
  return hasType ? `${cause.type}: ${cause.message}` : cause.message
}
