import { z } from 'zod'

/** Failure type of a sensor's look that found nothing yet. */
export const notYet = 'NotYet'
/** Failure type with which an activity says that there is nothing to do: its task is skipped. */
export const taskSkipped = 'TaskSkipped'

/** Failure type of a try for which the slots of its pool were not free: it has not run. */
export const slotsNotFree = 'SlotsNotFree'

/** How long a task waits between its tries. */
export const RetryDelays = z.object({
  retryDelayMs: z.number(),
  retryBackoff: z.number(),
  maxRetryDelayMs: z.number().nullable(),
})
export type RetryDelays = z.infer<typeof RetryDelays>

const PlannedSlots = z.object({
  ...{ runId: z.string(), workflowId: z.string(), taskId: z.string(), pool: z.string() },
  ...{ slots: z.int(), priority: z.int(), date: z.string(), mapIndex: z.int().optional() },
})

/** Which try of a task asks for slots: `<clears before it>/<try>`. */
export function slotHolder(cleared: number, attempt: number): string {
  return `${cleared}/${attempt}`
}

/** What a run hands to the worker beside the task's input. */
export const AttemptPlan = RetryDelays.extend({
  /** How often the task was cleared in this run: its attempts are counted on from there. */
  cleared: z.int().positive().optional(),
  /** The run that an instance in a page of a mapped task belongs to. */
  run: z.object({ runKey: z.string(), runId: z.string() }).optional(),
  /** Of a sensor: looks again after this when its activity returned nothing or false. */
  pokeIntervalMs: z.number().optional(),
  /** Tries that the task had used up before its run gave the work out again. */
  triesBefore: z.int().positive().optional(),
  /** What each try takes of a pool, and gives back when it has failed. */
  slots: PlannedSlots.optional(),
})
export type AttemptPlan = z.infer<typeof AttemptPlan>

const longestLostWorkerDelayMs = 5_000

/**
 * The wait after an attempt that timed out. A lost worker is no fault of the task: another one takes it
 * up soon, whatever the task's own delay. Never 0, which Temporal refuses. In milliseconds.
 */
export function timeOutDelay(retryDelayMs: number): number {
  return Math.min(Math.max(retryDelayMs, 1), longestLostWorkerDelayMs)
}

/** The wait after attempt 1, 2, …: `delay × backoff^(attempt − 1)`, up to the cap. In milliseconds. */
export function retryDelayAfter(attempt: number, delays: RetryDelays): number {
  const delayMs = delays.retryDelayMs * delays.retryBackoff ** (attempt - 1)
  return Math.min(delayMs, delays.maxRetryDelayMs ?? Number.POSITIVE_INFINITY)
}
