import { z } from 'zod'
import { stableHash } from './stable-hash.ts'

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
  /** Of back-off in whole seconds with jitter; runs begun before it was known wait without. */
  retryJitter: z.literal(true).optional(),
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

/** How a task before this one ended, as the run knows it. */
const EndedBefore = z.object({
  taskId: z.string(),
  state: z.enum(['success', 'failed']),
  cleared: z.int(),
})
export type EndedBefore = z.infer<typeof EndedBefore>

/** What a run hands to the worker beside the task's input. */
export const AttemptPlan = RetryDelays.extend({
  /** What people call the instance of a mapped task. */
  name: z.string().optional(),
  /** How often the task was cleared in this run: its attempts are counted on from there. */
  cleared: z.int().positive().optional(),
  /** The run that an instance in a page of a mapped task belongs to. */
  run: z.object({ runKey: z.string(), runId: z.string() }).optional(),
  /** Of a sensor: looks again after this when its activity returned nothing or false. */
  pokeIntervalMs: z.number().optional(),
  /** Tries that the task had used up before its run gave the work out again. */
  triesBefore: z.int().positive().optional(),
  /** Of its upstream tasks: a crash of PostgreSQL may have taken back what they wrote about it. */
  ended: EndedBefore.array().optional(),
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

const longestBackoffSeconds = 86_400

/** Whose retries: the same task of the same run waits the same, others do not wait with it. */
export interface Retrying {
  readonly runKey: string
  /** Of an instance of a mapped task with its index: `load[17]`. */
  readonly taskId: string
}

/**
 * The wait after attempt 1, 2, …: the delay itself, or Airflow's back-off where the task has a
 * factor, up to the task's cap. In milliseconds.
 */
export function retryDelayAfter(attempt: number, delays: RetryDelays, who: Retrying): number {
  const { retryDelayMs, retryBackoff, maxRetryDelayMs, retryJitter } = delays
  const capMs = maxRetryDelayMs ?? Number.POSITIVE_INFINITY
  const grownMs = retryDelayMs * retryBackoff ** (attempt - 1)
  if (retryJitter === undefined) return Math.min(grownMs, capMs)
  return Math.min(
    backoffSeconds(grownMs / 1_000, `${who.runKey}/${who.taskId}/${attempt}`) * 1_000,
    capMs,
  )
}

/** Whole seconds from `base` to `2 * base - 1`, at most a day; which, the hash of the try decides. */
function backoffSeconds(grownSeconds: number, key: string): number {
  const base = Math.max(1, Math.ceil(grownSeconds))
  if (!(base < longestBackoffSeconds)) return longestBackoffSeconds
  return Math.min(base + (stableHash(key) % base), longestBackoffSeconds)
}
