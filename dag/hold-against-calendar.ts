import type { DatedDag, GapReport, LedgerDay, Question } from './find-gaps.ts'
import { dueDates, findGaps } from './find-gaps.ts'
import { dateInWorkflowId } from './plan-catch-up.ts'

export interface LedgerQuestion {
  readonly dagId: string
  readonly dates: readonly string[]
  /** The date that an execution is for, by its id: the run itself, or one that leads to it. */
  readonly dateIn: (workflowId: string) => string | undefined
}

/** Holds what is on record against the calendar. A walk over years of dates takes a while, so there is one. */
export async function holdAgainstCalendar(
  dag: DatedDag,
  question: Question,
  readLedger: (asked: LedgerQuestion) => Promise<readonly LedgerDay[]>,
): Promise<GapReport> {
  const dates = dueDates(dag, question)
  const dateIn = (workflowId: string) => dateInWorkflowId(dag, workflowId)
  const ledger = await readLedger({ dagId: dag.id, dates, dateIn })
  return findGaps(dag, ledger, { nowMs: question.nowMs, dates })
}
