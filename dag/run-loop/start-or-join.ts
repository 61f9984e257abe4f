import type { ChildWorkflowOptions } from '@temporalio/workflow'
import {
  ParentClosePolicy,
  scheduleActivity,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'

export interface WantedRun {
  readonly dagId: string
  readonly runKey: string
  readonly trigger: string
  readonly input: unknown
  /** Of the activity that waits for a run which somebody else has started. */
  readonly activityId: string
  readonly cancellationType?: NonNullable<ChildWorkflowOptions['cancellationType']>
}

/** Starts a run under its own key, or joins it when it goes on; ends as it ends. It outlives whoever asked. */
export async function startOrJoin<Result>(wanted: WantedRun): Promise<Result> {
  const { dagId, runKey, trigger, input, activityId, cancellationType } = wanted
  try {
    const child = await startChild<(input: unknown) => Promise<Result>>(dagId, {
      workflowId: runKey,
      args: [input],
      memo: { daybookTrigger: trigger },
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      ...(cancellationType && { cancellationType }),
    })
    return await child.result()
  } catch (error) {
    if (!isAlreadyStarted(error)) throw error
  }
  return scheduleActivity<Result>('awaitRun', [{ runKey }], {
    activityId,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '30 seconds',
  })
}

/** By name: the workflow package does not export the class. */
export function isAlreadyStarted(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError'
}
