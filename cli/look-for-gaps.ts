import type { DatedDag, DateRange, Gap, GapReport, Question } from '../dag/find-gaps.ts'
import { commandFor, dueDates, findGaps, rangesOf } from '../dag/find-gaps.ts'
import { longestRangeDays } from '../dag/plan-backfill.ts'
import { readLedger } from '../platform/read-ledger.ts'
import type { Connections } from './connect.ts'
import type { BackfillOutcome } from './run-backfill.ts'
import { runBackfill } from './run-backfill.ts'
import { explainSchedule, readSchedule } from './schedule-notes.ts'

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
  const ledger = await readLedger(to, dag.id, dueDates(dag, question))
  const report = findGaps(dag, ledger, question)
  const counted = report.gaps.filter(({ kind }) => withAll || kind !== 'not_caught_up')
  const fillable = counted.filter(({ kind }) => kind !== 'doubled').map(({ date }) => date)
  const ranges = rangesOf(fillable, longestRangeDays)
  const schedule = dag.schedule === null ? undefined : await readSchedule(to.client, dag.id)
  return {
    ...{ report, counted, ranges },
    commands: ranges.map((range) => commandFor(dag.id, range)),
    notes: explainSchedule(dag, schedule, report.gaps),
  }
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
