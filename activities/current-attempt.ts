import { Context } from '@temporalio/activity'
import type { Attempt } from '../platform/attempt.ts'

/**
 * The attempt this activity is: the run key is the workflow id, the task id the activity id.
 * @throws Error when the activity was not started by a workflow
 */
export function currentAttempt(): Attempt {
  const { workflowExecution, activityId, attempt } = Context.current().info
  if (!workflowExecution) throw new Error(`Activity ${activityId} was not started by a workflow`)
  const { workflowId, runId } = workflowExecution
  return { runKey: workflowId, runId, taskId: activityId, attempt }
}
