import {
  ActivityFailure,
  ChildWorkflowFailure,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'
import type { RunActivities, StartedRun } from '../activities/runs.ts'
import type { RunResult } from './run-dag.ts'

const { awaitRun } = proxyActivities<RunActivities>({
  activityId: 'await_run',
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '30 seconds',
})

/** Starts the run that this execution stands for, or joins it; ends as it ends. */
export async function followRun({
  dagId,
  runKey,
  trigger,
  input,
  isDouble = false,
}: Extract<StartedRun, { role: 'door' }>): Promise<RunResult> {
  try {
    const child = await startChild<(input: unknown) => Promise<RunResult>>(dagId, {
      workflowId: runKey,
      args: [input],
      memo: { daybookTrigger: trigger },
      // The run outlives whoever asked for it.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: isDouble
        ? WorkflowIdReusePolicy.REJECT_DUPLICATE
        : WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    })
    return await child.result()
  } catch (error) {
    if (isAlreadyStarted(error)) return joinRun(runKey)
    throw asRunFailure(error)
  }
}

/** By name: the workflow package does not export the class. */
export function isAlreadyStarted(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError'
}

async function joinRun(runKey: string): Promise<RunResult> {
  try {
    return await awaitRun({ runKey })
  } catch (error) {
    throw asRunFailure(error)
  }
}

/** The failure of the run itself, so that a door fails with the words of its run. */
function asRunFailure(error: unknown): unknown {
  if (isCancellation(error)) return error
  if (!(error instanceof ChildWorkflowFailure || error instanceof ActivityFailure)) return error
  return error.cause ?? error
}
