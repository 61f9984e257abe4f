import type { Client } from '@temporalio/client'
import type { DatedDag, DateRange, Gap, GapReport, Question } from '../dag/find-gaps.ts'
import { commandFor, rangesOf } from '../dag/find-gaps.ts'
import { holdAgainstCalendar } from '../dag/hold-against-calendar.ts'
import { longestRangeDays } from '../dag/plan-backfill.ts'
import { historyStart } from '../dag/plan-catch-up.ts'
import { readFirstScheduledDate, readLedger } from '../platform/read-ledger.ts'
import { readSchedule } from '../platform/read-schedule.ts'
import type { Connections } from './connect.ts'
import type { BackfillOutcome } from './run-backfill.ts'
import { runBackfill } from './run-backfill.ts'
import { explainCatchUp, explainSchedule } from './schedule-notes.ts'

export interface Look {
  readonly report: GapReport
  /** The gaps that are to be filled; days that catch-up leaves out are only when asked for. */
  readonly counted: readonly Gap[]
  /** What a backfill can fill; a date that runs twice it cannot. */
  readonly ranges: readonly DateRange[]
  readonly commands: readonly string[]
  /** What Temporal knows of the reasons. */
  readonly notes: readonly string[]
}

/** Holds the audit rows and Temporal against the calendar. */
export async function lookForGaps(
  to: Pick<Connections, 'client' | 'database'>,
  dag: DatedDag,
  { withAll, ...question }: Question & { withAll: boolean },
): Promise<Look> {
  const firstScheduled = await readFirstScheduledDate(to.database, dag.id)
  const asked = { ...question, from: question.from ?? dag.startDate ?? firstScheduled }
  const report = await holdAgainstCalendar(dag, asked, (dates) => readLedger(to, dates))
  const counted = report.gaps.filter(({ kind }) => withAll || kind !== 'not_caught_up')
  const fillable = counted.filter(({ kind }) => kind !== 'doubled').map(({ date }) => date)
  const ranges = rangesOf(fillable, longestRangeDays)
  return {
    ...{ report, counted, ranges },
    commands: ranges.map((range) => commandFor(dag.id, range)),
    notes: await notesOn(to.client, dag, { report, firstScheduled, nowMs: question.nowMs }),
  }
}

interface Found {
  readonly report: GapReport
  readonly firstScheduled: string | undefined
  readonly nowMs: number
}

async function notesOn(client: Client, dag: DatedDag, found: Found): Promise<string[]> {
  if (dag.schedule === null) return []
  const { report, firstScheduled, nowMs } = found
  const schedule = await readSchedule(client, dag.id)
  const notes = explainSchedule(dag, schedule, report.gaps)
  const catchUp = await readSchedule(client, 'catch_up')
  if (schedule === undefined || schedule.isPaused || catchUp === undefined) return notes
  const scheduleMadeMs = schedule.createdMs
  const start = historyStart(dag, { nowMs, firstScheduled, scheduleMadeMs })
  return [...notes, ...explainCatchUp(catchUp, start, report.gaps)]
}

/** Runs the backfills one after the other; a failed one does not keep the others back. */
export async function fillGaps(to: Connections, look: Look): Promise<BackfillOutcome[]> {
  const outcomes: BackfillOutcome[] = []
  for (const { from, to: last, dates } of look.ranges) {
    const input = { dagId: look.report.dagId, from, to: last, reprocess: 'failed' } as const
    outcomes.push(await runBackfill(to, input, [...dates]))
  }
  return outcomes
}
