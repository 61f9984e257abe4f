import {
  addDays,
  datesBetween,
  dueMs,
  instantOf,
  intervalOf,
  lastCompleteDate,
  localDate,
} from './calendar.ts'
import { parseDailyCron } from './cron.ts'
import type { Dag } from './define-dag.ts'
import { runKeyOf } from './resolve-run.ts'

/** A DAG as far as the calendar is concerned. */
export type DatedDag = Pick<Dag, 'id' | 'schedule' | 'timeZone' | 'startDate' | 'catchup'>

/** What the ledger and Temporal know of a date. */
export interface LedgerDay {
  readonly date: string
  /** The latest row of the date; null when none was ever written. */
  readonly latest: {
    readonly state: 'queued' | 'running' | 'success' | 'failed' | 'cancelled'
    readonly error: string | null
    /** Its end was written by others: it was terminated. */
    readonly isCutOff?: boolean
  } | null
  /** Run ids of its executions that are open in Temporal. */
  readonly open: readonly string[]
  /** How the latest row's execution ended, in Temporal's word; null when it is open or unknown there. */
  readonly closedAs: string | null
}

export type GapKind = 'missing' | 'failed' | 'cancelled' | 'half_done' | 'doubled' | 'not_caught_up'

export interface Gap {
  readonly date: string
  readonly kind: GapKind
  readonly dueMs: number
  readonly reason: string
  readonly remedy: string
}

export interface GapReport {
  readonly dagId: string
  /** First and last due date that were looked at; null when none is due. */
  readonly from: string | null
  readonly to: string | null
  readonly due: number
  readonly done: number
  readonly running: readonly string[]
  readonly gaps: readonly Gap[]
}

export interface Question {
  readonly nowMs: number
  /**
   * First date to look at; by default the DAG's start date, or the newest due one where it names none.
   * Needed where there is no schedule.
   */
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export interface DateRange {
  readonly from: string
  readonly to: string
  readonly dates: readonly string[]
}

/** Holds what has run against the dates that were due (`dueDates`), date by date, oldest first. */
export function findGaps(
  dag: DatedDag,
  ledger: readonly LedgerDay[],
  { nowMs, dates }: { readonly nowMs: number; readonly dates: readonly string[] },
): GapReport {
  const known = new Map(ledger.map((day) => [day.date, day]))
  const newest = lastDueDate(dag, nowMs)
  const running: string[] = []
  const gaps: Gap[] = []
  for (const date of dates) {
    const standing = judge(dag, date, known.get(date), date === newest)
    if (standing === 'running') running.push(date)
    else if (standing !== 'done') gaps.push({ date, dueMs: dueAt(dag, date), ...standing })
  }
  const done = dates.length - running.length - gaps.length
  const [from = null, to = null] = [dates[0], dates.at(-1)]
  return { dagId: dag.id, from, to, due: dates.length, done, running, gaps }
}

/** The dates whose run is due, oldest first. A day that clocks of the zone never showed is not. */
export function dueDates(dag: DatedDag, { nowMs, from, to }: Question): string[] {
  const last = lastDueDate(dag, nowMs)
  const first = from ?? (dag.schedule === null ? undefined : (dag.startDate ?? last))
  if (first === undefined) return []
  return datesBetween(first, to !== undefined && to < last ? to : last).filter((date) =>
    exists(date, dag.timeZone),
  )
}

export function lastDueDate(dag: DatedDag, nowMs: number): string {
  let date = lastCompleteDate(nowMs, dag.timeZone)
  while (!exists(date, dag.timeZone) || dueAt(dag, date) > nowMs) date = addDays(date, -1)
  return date
}

/** In UTC milliseconds. Without a schedule a day is due when it has ended. */
export function dueAt({ schedule, timeZone }: DatedDag, date: string): number {
  if (schedule === null) return intervalOf(date, timeZone).endMs
  return dueMs(date, parseDailyCron(schedule.cron), timeZone)
}

/** Zones that cross the date line leave a day out: Pacific/Apia had no 30 December 2011. */
function exists(date: string, timeZone: string): boolean {
  // Noon in Greenwich is the same day in most zones, and takes a fifth of the time to look at.
  const noons = [() => Date.parse(`${date}T12:00Z`), () => instantOf(date, '12:00', timeZone)]
  return noons.some((noonMs) => localDate(noonMs(), timeZone) === date)
}

type Standing = 'done' | 'running' | Pick<Gap, 'kind' | 'reason' | 'remedy'>

function judge(
  dag: DatedDag,
  date: string,
  day: LedgerDay | undefined,
  isNewest: boolean,
): Standing {
  const { latest = null, open = [], closedAs = null } = day ?? {}
  const backfill = commandFor(dag.id, { from: date, to: date })
  if (open.length > 1) return doubled(dag.id, date, open)
  if (latest?.state === 'success') return 'done'
  if (open.length === 1) return 'running'
  const lookFirst = `\`daybook show ${runKeyOf(dag.id, date)}\` tells more; then \`${backfill}\``
  switch (latest?.state) {
    case undefined:
      return missing(dag, isNewest, backfill)
    case 'failed':
      return { kind: 'failed', reason: inOneLine(latest?.error, 'it failed'), remedy: lookFirst }
    case 'cancelled':
      return {
        kind: latest.isCutOff ? 'half_done' : 'cancelled',
        reason: inOneLine(latest?.error, 'it was cancelled'),
        remedy: lookFirst,
      }
    case 'queued':
    case 'running':
      return { kind: 'half_done', reason: halfDoneReason(closedAs), remedy: `\`${backfill}\`` }
  }
}

function missing(dag: DatedDag, isNewest: boolean, backfill: string): Standing {
  if (dag.schedule === null || dag.catchup || isNewest) {
    return { kind: 'missing', reason: 'it never ran', remedy: `\`${backfill}\`` }
  }
  return {
    kind: 'not_caught_up',
    reason: 'it never ran: catch-up is off',
    remedy: `none is needed; if it is wanted after all, \`${backfill}\``,
  }
}

function doubled(dagId: string, date: string, open: readonly string[]): Standing {
  return {
    kind: 'doubled',
    reason: `${open.length} executions run at once: ${open.join(', ')}`,
    remedy:
      `end all but one: \`temporal workflow terminate --workflow-id ${runKeyOf(dagId, date)} ` +
      `--run-id RUN_ID\`, then \`daybook run ${date} --dag ${dagId}\``,
  }
}

function halfDoneReason(closedAs: string | null): string {
  const says = 'its row says running, but Temporal'
  if (closedAs === null) return `${says} knows no such execution`
  return `${says} says ${closedAs.toLowerCase().replaceAll('_', ' ')}`
}

function inOneLine(error: string | null | undefined, otherwise: string): string {
  return error?.split('\n')[0]?.slice(0, 200) || otherwise
}

/** Adjoining dates as ranges of at most so many days, oldest first. */
export function rangesOf(dates: readonly string[], longestDays: number): DateRange[] {
  const ranges: { from: string; to: string; dates: string[] }[] = []
  for (const date of dates.toSorted()) {
    const last = ranges.at(-1)
    if (last && addDays(last.to, 1) === date && last.dates.length < longestDays) {
      last.dates.push(date)
      last.to = date
    } else {
      ranges.push({ from: date, to: date, dates: [date] })
    }
  }
  return ranges
}

/** The command that runs the dates of a range that have no successful run. */
export function commandFor(dagId: string, { from, to }: Pick<DateRange, 'from' | 'to'>): string {
  return `daybook backfill ${from} ${to} --dag ${dagId}`
}
