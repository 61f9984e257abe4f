import { dateForScheduledTime } from './calendar.ts'
import type { Dag } from './define-dag.ts'
import type { DatedDag, GapReport } from './find-gaps.ts'
import { dueAt, lastDueDate } from './find-gaps.ts'
import { readRunKey } from './resolve-run.ts'

/** A DAG whose missing dates are made up for, as data. */
export interface CatchUpDag extends DatedDag {
  /** Runs of it that catch-up leaves room for. */
  readonly maxRuns: number
}

/** Empty for a DAG without a schedule: no date of it is due by itself. */
export function catchUpDag(dag: Dag): CatchUpDag[] {
  if (dag.schedule === null) return []
  const { id, schedule, timeZone, startDate, catchup, maxActiveRuns, graph } = dag
  // A run finds its past in the ledger, so the one before has to be there first.
  const hasPast = graph.tasks.some((task) => task.past !== undefined)
  const maxRuns = hasPast ? 1 : maxActiveRuns
  return [{ id, schedule, timeZone, startDate, catchup, maxRuns }]
}

export interface KnownHistory {
  readonly nowMs: number
  /** First date for which the schedule made a run in its time. */
  readonly firstScheduled: string | undefined
  readonly scheduleMadeMs: number
}

/**
 * The first date that is made up for: where the DAG names none, the first for which its schedule made
 * a run. Before there is one, the newest date, if the schedule was there when it came due: nobody's
 * past runs behind his back. Undefined when no date is made up for.
 */
export function historyStart(dag: DatedDag, known: KnownHistory): string | undefined {
  const { nowMs, firstScheduled, scheduleMadeMs } = known
  const named = dag.startDate ?? firstScheduled
  if (named !== undefined) return named
  const newest = lastDueDate(dag, nowMs)
  return dueAt(dag, newest) >= scheduleMadeMs ? newest : undefined
}

/**
 * The missing dates for which there is room, oldest first. Dates that a backfill holds are its own, and
 * so are its runs.
 */
export function missingWithRoom(
  { gaps, running }: GapReport,
  { maxRuns }: CatchUpDag,
  isHeld: (date: string) => boolean,
): { missing: string[]; room: number } {
  const missing = gaps.filter(({ kind }) => kind === 'missing').map(({ date }) => date)
  const active = running.filter((date) => !isHeld(date))
  return { missing: missing.filter((date) => !isHeld(date)), room: maxRuns - active.length }
}

/** The workflow id of what the schedule starts for a date: Temporal's, by the time it is due. */
export function tickIdOf(dag: DatedDag, date: string): string {
  return `${dag.id}-${new Date(dueAt(dag, date)).toISOString().slice(0, 19)}Z`
}

/** The date that an execution of a DAG is for, if its id is a run key or one that a schedule gave. */
export function dateInWorkflowId(dag: DatedDag, workflowId: string): string | undefined {
  const key = readRunKey(workflowId)
  if (key?.dagId === dag.id) return key.date
  const rest = workflowId.slice(dag.id.length + 1)
  if (!workflowId.startsWith(`${dag.id}-`)) return undefined
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(rest)) return undefined
  return dateForScheduledTime(Date.parse(rest), dag.timeZone)
}
