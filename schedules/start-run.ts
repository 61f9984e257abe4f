import type { Client, WorkflowHandle } from '@temporalio/client'
import { runKeyOf } from '../dag/resolve-run.ts'
import type { RunResult } from '../workflows/run-dag.ts'

export interface StartRunInput {
  readonly dagId: string
  readonly date: string
  readonly taskQueue: string
  /** What the run's audit row says started it. */
  readonly trigger?: string
  readonly params?: unknown
}

export type RunHandle = WorkflowHandle<() => Promise<RunResult>>

/** Starts the run of a DAG for a date, or joins it if it is running: one run a run key. */
export async function startRun(client: Client, input: StartRunInput): Promise<RunHandle> {
  const { dagId, date, taskQueue, trigger = 'cli', params } = input
  const handle = await client.workflow.start<(input: unknown) => Promise<RunResult>>(dagId, {
    workflowId: runKeyOf(dagId, date),
    taskQueue,
    args: [{ date, ...(params === undefined ? {} : { params }) }],
    memo: { daybookTrigger: trigger },
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  })
  return client.workflow.getHandle(handle.workflowId, undefined, {
    firstExecutionRunId: handle.firstExecutionRunId,
  })
}
