import { randomUUID } from 'node:crypto'
import type { TestTemporal } from './servers.ts'

/** Has the latest execution of a run go on from its first step, or from its last one, under another run id. */
export async function resetRun(
  { client, namespace }: TestTemporal,
  workflowId: string,
  from: 'first' | 'last' = 'first',
): Promise<void> {
  const handle = client.workflow.getHandle(workflowId)
  const { runId } = await handle.describe()
  const { events } = await handle.fetchHistory()
  const steps = events?.filter((event) => event.workflowTaskCompletedEventAttributes)
  const step = from === 'first' ? steps?.[0] : steps?.at(-1)
  await client.workflowService.resetWorkflowExecution({
    ...{ namespace, requestId: randomUUID(), workflowTaskFinishEventId: step?.eventId ?? null },
    workflowExecution: { workflowId, runId },
  })
}
