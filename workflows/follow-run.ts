import { ActivityFailure, ChildWorkflowFailure, isCancellation } from '@temporalio/workflow'
import type { StartedRun } from '../activities/runs.ts'
import { startOrJoin } from '../dag/run-loop/start-or-join.ts'
import type { RunResult } from './run-dag.ts'

/** Starts the run that this execution stands for, or joins it; ends as it ends. */
export async function followRun({
  dagId,
  runKey,
  trigger,
  input,
  isDouble = false,
}: Extract<StartedRun, { role: 'door' }>): Promise<RunResult> {
  try {
    return await startOrJoin({ dagId, runKey, trigger, input, activityId: 'await_run', isDouble })
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
