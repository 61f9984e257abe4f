import type { Client, WorkflowHandle } from '@temporalio/client'
import type { z } from 'zod'
import type { BackfillInput } from '../dag/plan-backfill.ts'
import type { BackfillProgress } from '../workflows/run-days.ts'

export type StartBackfillInput = z.input<typeof BackfillInput> & { readonly taskQueue: string }

export type BackfillHandle = WorkflowHandle<() => Promise<BackfillProgress>>

/** The workflow id: one backfill of a range at a time. */
export function backfillIdOf({
  dagId,
  from,
  to,
}: Pick<StartBackfillInput, 'dagId' | 'from' | 'to'>): string {
  return `backfill/${dagId}/${from}/${to}`
}

/** Starts the backfill of a range, or joins the one that is running for the same range. */
export async function startBackfill(
  client: Client,
  { taskQueue, ...input }: StartBackfillInput,
): Promise<BackfillHandle> {
  const handle = await client.workflow.start<(input: unknown) => Promise<BackfillProgress>>(
    'daybook_backfill',
    {
      workflowId: backfillIdOf(input),
      taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    },
  )
  return client.workflow.getHandle(handle.workflowId, undefined, {
    firstExecutionRunId: handle.firstExecutionRunId,
  })
}
