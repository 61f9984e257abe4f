import { CancellationScope, rootCause, scheduleActivity } from '@temporalio/workflow'
import type { Callback } from '../callbacks.ts'

/**
 * Runs a callback, also in a run that is being cancelled. Returns what went wrong with it, which must
 * never hide or change the end that it tells of; Temporal shows the failed activity.
 */
export async function tell({ activity, activityId, input }: Callback): Promise<string | undefined> {
  try {
    await CancellationScope.nonCancellable(() =>
      scheduleActivity(activity, [input], {
        ...{ activityId, summary: activityId },
        startToCloseTimeout: '5 minutes',
        retry: { maximumAttempts: 3 },
      }),
    )
    return undefined
  } catch (error) {
    return rootCause(error) ?? String(error)
  }
}
