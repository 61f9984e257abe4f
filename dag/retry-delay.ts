import { z } from 'zod'

/** How long a task waits between its tries: what a run hands to the worker beside the task's input. */
export const RetryDelays = z.object({
  retryDelayMs: z.number(),
  retryBackoff: z.number(),
  maxRetryDelayMs: z.number().nullable(),
})
export type RetryDelays = z.infer<typeof RetryDelays>

/** The wait after attempt 1, 2, …: `delay × backoff^(attempt − 1)`, up to the cap. In milliseconds. */
export function retryDelayAfter(attempt: number, delays: RetryDelays): number {
  const delayMs = delays.retryDelayMs * delays.retryBackoff ** (attempt - 1)
  return Math.min(delayMs, delays.maxRetryDelayMs ?? Number.POSITIVE_INFINITY)
}
