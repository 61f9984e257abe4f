import type { Client, WorkflowHandle } from '@temporalio/client'
import type { z } from 'zod'
import type { ClearRequest } from '../dag/plan-clear.ts'
import { runKeyOf } from '../dag/resolve-run.ts'
import type { RunResult } from '../workflows/run-dag.ts'

export interface StartRunInput {
  readonly dagId: string
  readonly date: string
  readonly taskQueue: string
  /** What the run's audit row says started it. */
  readonly trigger?: string
  readonly params?: unknown
  /** Goes on from the ended run of that day instead of beginning anew. */
  readonly clear?: z.input<typeof ClearRequest>
}

export type RunHandle = WorkflowHandle<() => Promise<RunResult>>

/**
 * Starts the run of a DAG for a date, or joins it if it is running: one run a run key.
 * @throws WorkflowExecutionAlreadyStartedError when a run that goes on is to be cleared or given params: send it the update
 */
export async function startRun(client: Client, input: StartRunInput): Promise<RunHandle> {
  const { dagId, date, taskQueue, trigger = 'cli', params, clear } = input
  const handle = await client.workflow.start<(input: unknown) => Promise<RunResult>>(dagId, {
    workflowId: runKeyOf(dagId, date),
    taskQueue,
    args: [{ date, ...(params === undefined ? {} : { params }), ...(clear && { clear }) }],
    memo: { daybookTrigger: trigger },
    // A clear would be lost in the run that it joined, and so would params.
    workflowIdConflictPolicy: clear === undefined && params === undefined ? 'USE_EXISTING' : 'FAIL',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  })
  return client.workflow.getHandle(handle.workflowId, undefined, {
    firstExecutionRunId: handle.firstExecutionRunId,
  })
}
