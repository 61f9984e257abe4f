import type { Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/client'
import { optionalTsToDate } from '@temporalio/common/lib/time.js'

/** An activity that has not ended, as the server knows it. */
export interface PendingTry {
  /** A task, or an instance of a mapped one. */
  readonly activityId: string
  /** From 1, of this activity: a run may have given the work out before. */
  readonly attempt: number
  /** 0: without a limit. */
  readonly maximumAttempts: number
  /** When the next try is due, if it waits for that. */
  readonly nextAt: Date | undefined
  readonly lastError: { readonly type: string; readonly message: string } | undefined
}

/** The activities that a run waits for; undefined when it does not go on. Takes no worker. */
export async function readPendingTries(
  client: Client,
  runKey: string,
): Promise<PendingTry[] | undefined> {
  const described = await client.workflow
    .getHandle(runKey)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    })
  if (described === undefined || described.status.name !== 'RUNNING') return undefined
  const pending = described.raw.pendingActivities ?? []
  return pending.map(
    ({ activityId, attempt, maximumAttempts, nextAttemptScheduleTime, ...rest }) => ({
      ...{ activityId: activityId ?? '', attempt: attempt ?? 1 },
      maximumAttempts: maximumAttempts ?? 0,
      nextAt: optionalTsToDate(nextAttemptScheduleTime),
      lastError: rest.lastFailure
        ? {
            type: rest.lastFailure.applicationFailureInfo?.type ?? '',
            message: rest.lastFailure.message ?? '',
          }
        : undefined,
    }),
  )
}
