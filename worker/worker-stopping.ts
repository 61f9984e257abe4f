import type { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/activity'

export function isWorkerStopping({ cancellationSignal }: Context): boolean {
  const reason: unknown = cancellationSignal.reason
  return reason instanceof Error && reason.message === 'WORKER_SHUTDOWN'
}

/** Another worker takes it up at once, whatever delay the task has between its retries. */
export function attemptInterrupted({ info }: Context, error: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    message: `The worker was stopped while it ran ${info.activityId}`,
    type: 'WorkerStopped',
    nextRetryDelay: '1 second',
    ...(error instanceof Error ? { cause: error } : {}),
  })
}
