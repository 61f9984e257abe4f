import type { Client } from '@temporalio/client'
import { taskQueue } from './bench-worker.ts'

const firstDayMs = Date.UTC(2010, 0, 1)
const dayMs = 86_400_000

/** The dates `from` to `from + count - 1` of a calendar that begins in 2010. */
export function datesFrom(from: number, count = 1): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(firstDayMs + (from + index) * dayMs).toISOString().slice(0, 10),
  )
}

/** Starts a workflow under an id and waits for its end. */
export async function execute(
  client: Client,
  type: string,
  workflowId: string,
  input: unknown,
): Promise<void> {
  await client.workflow.execute<(input: unknown) => Promise<unknown>>(type, {
    ...{ taskQueue, workflowId, args: [input] },
  })
}
