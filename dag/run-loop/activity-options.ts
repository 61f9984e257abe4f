import type { ActivityOptions } from '@temporalio/workflow'
import { ActivityCancellationType, ActivityFailure, ApplicationFailure } from '@temporalio/workflow'
import type { AttemptPlan } from '../retry-delay.ts'
import { taskSkipped, timeOutDelay } from '../retry-delay.ts'
import type { Counted } from './limits.ts'

/** The worker applies these to what a task throws; the policy of the activity is left to time-outs. */
export function attemptPlan({ task, cleared, name }: Counted, triesBefore: number): AttemptPlan {
  const { retryDelayMs, retryBackoff, maxRetryDelayMs, retryJitter, wait } = task
  return {
    ...{ retryDelayMs, retryBackoff, maxRetryDelayMs },
    ...(retryJitter && { retryJitter }),
    ...(name === undefined ? {} : { name }),
    ...(cleared === 0 ? {} : { cleared }),
    ...(triesBefore === 0 ? {} : { triesBefore }),
    ...(wait === undefined ? {} : { pokeIntervalMs: wait.pokeIntervalMs }),
  }
}

export function activityOptions(
  { task, id, name }: Counted,
  triesBefore: number,
): ActivityOptions & { activityId: string } {
  return {
    // Temporal's own tools then name the task as people do.
    activityId: id,
    summary: name === undefined ? id : `${id} ${name}`,
    startToCloseTimeout: task.timeoutMs,
    ...(task.heartbeatTimeoutMs === null ? {} : { heartbeatTimeout: task.heartbeatTimeoutMs }),
    ...(task.wait === undefined ? {} : { scheduleToCloseTimeout: task.wait.timeoutMs }),
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      // A sensor is asked until its time is up; every look is an attempt, and costs no event.
      ...(task.kind === 'sensor' ? {} : { maximumAttempts: task.retries + 1 - triesBefore }),
      initialInterval: timeOutDelay(task.retryDelayMs),
      backoffCoefficient: 1,
    },
  }
}

/** Why an activity said that there is nothing to do; undefined if it did not. */
export function skipReason({ cause }: ActivityFailure): string | undefined {
  const isSkip = cause instanceof ApplicationFailure && cause.type === taskSkipped
  return isSkip ? cause.message : undefined
}

/** `ChecksFailed: …` of the failure that an activity threw. */
export function describeFailure(error: ActivityFailure | ApplicationFailure): string {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error
  const hasType = cause instanceof ApplicationFailure && cause.type && cause.type !== 'Error'
  return hasType ? `${cause.type}: ${cause.message}` : cause.message
}
