import { Context } from '@temporalio/activity'
import type { Attempt } from '../platform/attempt.ts'

const attempts = new WeakMap<Context, Attempt>()

/** Says which attempt of its task an activity is: Temporal counts anew when a task was cleared. */
export function setAttempt(context: Context, attempt: Attempt): void {
  attempts.set(context, attempt)
}

/**
 * The attempt this activity is: the run key is the workflow id, the task id the activity id.
 * @throws Error when the activity was not started by a workflow
 */
export function currentAttempt(): Attempt {
  const context = Context.current()
  const known = attempts.get(context)
  if (known !== undefined) return known
  const { workflowExecution, activityId, attempt } = context.info
  if (!workflowExecution) throw new Error(`Activity ${activityId} was not started by a workflow`)
  const { workflowId, runId } = workflowExecution
  return { runKey: workflowId, runId, taskId: activityId, attempt }
}
