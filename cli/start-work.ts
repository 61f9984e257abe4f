import type { Client, WorkflowHandle } from '@temporalio/client'
export async function startRun(
  client: Client,
  input: { dagId: string; date: string; taskQueue: string },
): Promise<WorkflowHandle> {
  return client.workflow.start(input.dagId, {
    workflowId: `${input.dagId}/${input.date}`,
    taskQueue: input.taskQueue,
    args: [{ date: input.date }],
  })
}
export async function startBackfill(
  client: Client,
  input: {
    dagId: string
    from: string
    to: string
    taskQueue: string
    reprocess?: string
    concurrency?: number
  },
): Promise<WorkflowHandle> {
  const { taskQueue, ...rest } = input
  return client.workflow.start('daybook_backfill', {
    workflowId: `backfill/${input.dagId}/${input.from}/${input.to}`,
    taskQueue,
    args: [rest],
  })
}
