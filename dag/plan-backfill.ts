import { z } from 'zod'
import { datesBetween, hasEnded, isCalendarDate, lastCompleteDate } from './calendar.ts'
import type { Dag } from './define-dag.ts'
import { refusalOf } from './run-type.ts'

const date = z.string().refine(isCalendarDate, 'is no day of the calendar (YYYY-MM-DD)')

/** A range of days to run, both ends included. */
export const BackfillInput = z.strictObject({
  dagId: z.string(),
  from: date,
  to: date,
  /** Which days that have run already are run again; `completed` is Airflow's word for `all`. */
  reprocess: z.enum(['none', 'failed', 'all', 'completed']).default('failed'),
  /** Days at once; by default as many as the DAG allows. */
  concurrency: z.int().min(1).max(100).optional(),
  order: z.enum(['oldest_first', 'newest_first']).default('oldest_first'),
})
export type BackfillInput = z.infer<typeof BackfillInput>

export type Reprocess = BackfillInput['reprocess']

/** The days of a range that have ended, in the order in which they run, or why there are none. */
export function backfillDates(
  dag: Dag,
  { from, to, order, concurrency = dag.maxActiveRuns }: BackfillInput,
  nowMs: number,
): { dates: string[]; concurrency: number } | { problem: string } {
  const refusal = refusalOf(dag, 'backfill')
  if (refusal !== undefined) return { problem: refusal }
  const pastTask = dag.graph.tasks.find((task) => task.past !== undefined)
  if (order === 'newest_first' && pastTask !== undefined) {
    const problem = `${pastTask.id} depends on its past, so its days cannot run newest first`
    return { problem }
  }
  if (from > to) return { problem: `the first day ${from} is after the last day ${to}` }
  if (!hasEnded(from, nowMs, dag.timeZone)) {
    const last = lastCompleteDate(nowMs, dag.timeZone)
    return { problem: `no day from ${from} on has ended; the last complete day is ${last}` }
  }
  const dates = datesBetween(from, to).filter((day) => hasEnded(day, nowMs, dag.timeZone))
  return { dates: order === 'oldest_first' ? dates : dates.reverse(), concurrency }
}

/**
 * Why a day is left out, given the state of its latest run; undefined if it runs. Whether a run is
 * really still going is for Temporal to say when it is started: a row can outlive its run.
 */
export function reasonToSkip(reprocess: Reprocess, latestState: string | null): string | undefined {
  if (latestState === null) return undefined
  if (reprocess === 'none') {
    const isInFlight = latestState === 'running' || latestState === 'queued'
    return `${isInFlight ? 'in flight' : 'already exists'} (${latestState})`
  }
  if (reprocess === 'failed' && latestState === 'success') return 'already exists (success)'
  return undefined
}
