import { z } from 'zod'
import { datesBetween, hasEnded, isCalendarDate, lastCompleteDate } from './calendar.ts'
import type { Dag } from './define-dag.ts'
import { refusalOf } from './run-type.ts'

/** Of a range. */
export const longestRangeDays = 3660

const date = z.string().refine(isCalendarDate, 'no day of the calendar (YYYY-MM-DD)')

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
  /** Of all its runs; by default a day that has run keeps those of its run before. */
  params: z.record(z.string(), z.unknown()).optional(),
  /** A day that has run runs again with the tasks that the code has now, or that it had then. */
  graph: z.enum(['latest', 'recorded']).default('latest'),
})
export type BackfillInput = z.infer<typeof BackfillInput>

export type Reprocess = BackfillInput['reprocess']

/** What a run is told of the backfill that makes it. `recorded`: of the run before, if there is one. */
export const BackfillOfRun = z.strictObject({
  id: z.string(),
  params: z.enum(['given', 'recorded']),
  graph: z.enum(['latest', 'recorded']),
})
export type BackfillOfRun = z.infer<typeof BackfillOfRun>

/** A day of the range, and why no run is made of it. */
export interface PlannedDay {
  readonly date: string
  readonly reason: string | null
}

export interface BackfillPlan {
  readonly input: BackfillInput
  /** Days at once. */
  readonly concurrency: number
  /** In the order in which they run; those that have not ended already have their reason. */
  readonly days: readonly PlannedDay[]
}

/** What the ledger and Temporal know of a day. */
export interface DayFacts {
  /** Of its latest run; `running` only if it really is. Null when it never ran. */
  readonly state: string | null
  /** Another backfill that is going to run it. */
  readonly heldBy: string | null
}

/** The days that a backfill is about, or why it makes no sense: all that can be said without looking. */
export function planBackfill(
  dag: Dag,
  asked: BackfillInput,
  nowMs: number,
): BackfillPlan | { problem: string } {
  const { from, to, order, concurrency = dag.maxActiveRuns } = asked
  const problem =
    refusalOf(dag, 'backfill') ?? problemOfPast(dag, asked) ?? problemOfRange(dag, asked, nowMs)
  if (problem !== undefined) return { problem }
  // Where none are given, a day keeps those of its run before; one without a run before says so itself.
  const params = asked.params && (dag.params ?? z.strictObject({})).safeParse(asked.params)
  if (params?.success === false) {
    return { problem: `the params do not fit ${dag.id}: ${inWords(params.error)}` }
  }
  const notEnded = `it has not ended yet in ${dag.timeZone}`
  const days = datesBetween(from, to).map((day) => ({
    ...{ date: day, reason: hasEnded(day, nowMs, dag.timeZone) ? null : notEnded },
  }))
  return { input: asked, concurrency, days: order === 'oldest_first' ? days : days.reverse() }
}

/** What does not fit, each with its place. */
export function inWords(error: z.ZodError): string {
  const words = error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  )
  return words.join('; ')
}

/** As in Airflow: the run of a day waits for that of the day before, which must be there. */
function problemOfPast(dag: Dag, { order, reprocess }: BackfillInput): string | undefined {
  const pastTask = dag.graph.tasks.find((task) => task.past !== undefined)
  if (pastTask === undefined) return undefined
  const dependent = `${pastTask.id} depends on its past, so`
  if (order === 'newest_first') return `${dependent} its days cannot run newest first`
  if (reprocess !== 'none') return undefined
  return `${dependent} days that failed have to run again: reprocess failed or all, not none`
}

function problemOfRange(
  { timeZone }: Dag,
  { from, to }: BackfillInput,
  nowMs: number,
): string | undefined {
  if (from > to) return `the first day ${from} is after the last day ${to}`
  if (datesBetween(from, to).length > longestRangeDays) {
    return `${from} to ${to} is longer than ten years: ask for less at once`
  }
  if (hasEnded(from, nowMs, timeZone)) return undefined
  const last = lastCompleteDate(nowMs, timeZone)
  return `no day from ${from} on has ended; the last complete day is ${last}`
}

/** Of which days a run is made, and why of the others none is: for a backfill and for its dry run. */
export function decideDays(
  { input, days }: BackfillPlan,
  facts: ReadonlyMap<string, DayFacts>,
): PlannedDay[] {
  return days.map(({ date: day, reason }) => {
    const { state, heldBy } = facts.get(day) ?? { state: null, heldBy: null }
    const held = heldBy === null ? null : `in flight: ${heldBy} has it`
    return { date: day, reason: reason ?? held ?? reasonToSkip(input.reprocess, state) ?? null }
  })
}

/** Why a day is left out, given the state of its latest run; undefined if it runs. */
export function reasonToSkip(reprocess: Reprocess, latestState: string | null): string | undefined {
  if (latestState === null) return undefined
  if (latestState === 'running' || latestState === 'queued') return `in flight (${latestState})`
  if (reprocess === 'none' || (reprocess === 'failed' && latestState === 'success')) {
    return `already exists (${latestState})`
  }
  return undefined
}
