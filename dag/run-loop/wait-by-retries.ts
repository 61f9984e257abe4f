import { ActivityCancellationType, scheduleActivity } from '@temporalio/workflow'

/**
 * Runs an activity that fails until what it waits for is there: its retries cost no event, for days.
 * The colon in its id says that it is no task of the run.
 */
export function waitByRetries(
  activity: string,
  activityId: `${string}:${string}`,
  input: unknown,
): Promise<unknown> {
  return scheduleActivity(activity, [input], {
    activityId,
    summary: activityId,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    startToCloseTimeout: '15 seconds',
    retry: { initialInterval: '10 seconds', backoffCoefficient: 1 },
  })
}
