import {
  ChildWorkflowFailure,
  condition,
  ParentClosePolicy,
  rootCause,
  setCurrentDetails,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow'
import type { BackfillOfRun } from '../dag/plan-backfill.ts'
import { runKeyOf } from '../dag/resolve-run.ts'
import { isAlreadyStarted } from '../dag/run-loop/start-or-join.ts'

/** What became of a day of the range. */
export interface DayOutcome {
  date: string
  outcome: 'waiting' | 'running' | 'success' | 'failed' | 'skipped'
  reason: string
}

export interface BackfillProgress {
  dagId: string
  isPaused: boolean
  isCancelled: boolean
  done: number
  total: number
  days: DayOutcome[]
}

/** What every run of a backfill is given. */
export interface RunsOfBackfill {
  readonly concurrency: number
  /** Absent in a backfill from before there was a ledger of them. */
  readonly backfill?: BackfillOfRun
  readonly params?: Readonly<Record<string, unknown>>
}

/** Where Temporal suggests to continue as a new execution. */
export const mostEvents = 4_096
/** A day that runs when no further one is started still adds these: two ends, two workflow tasks. */
const eventsOfRunningDay = 8
/** For what people send meanwhile, and the end. */
const eventsInReserve = 160

/** Temporal takes 2 MB at once, of up to 3,660 days. */
const longestReason = 300

/** Starts days as long as it may; ends when all started ones have. Never cancelled half-way. */
export async function runDays(
  runs: RunsOfBackfill,
  progress: BackfillProgress,
  limit: number,
): Promise<void> {
  const waiting = progress.days.filter((day) => !isDone(day))
  const mayGoOn = () => !progress.isPaused || progress.isCancelled
  // A pause may go on in the next execution, but did not before there was a ledger.
  const mayContinue = () => runs.backfill !== undefined && isHistoryFull(runs, limit)
  const runNext = async (): Promise<void> => {
    await condition(() => mayGoOn() || mayContinue())
    if (progress.isCancelled || isHistoryFull(runs, limit)) return
    const day = waiting.shift()
    if (day === undefined) return
    await runDay(progress.dagId, day, day === progress.days[0], runs)
    showProgress(progress)
    await runNext()
  }
  showProgress(progress)
  await Promise.all(Array.from({ length: runs.concurrency }, runNext))
}

/** Whether no further day may start in this execution, so that its history stays below the limit. */
function isHistoryFull({ concurrency, backfill }: RunsOfBackfill, limit: number): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo()
  if (continueAsNewSuggested || backfill === undefined) return continueAsNewSuggested
  return historyLength > limit - eventsInReserve - eventsOfRunningDay * concurrency
}

/** The first day of a backfill has no past to depend on, as in Airflow. */
async function runDay(
  dagId: string,
  day: DayOutcome,
  isFirst: boolean,
  { backfill, params }: RunsOfBackfill,
): Promise<void> {
  day.outcome = 'running'
  const input = {
    date: day.date,
    ...(isFirst ? { ignore_depends_on_past: true } : {}),
    ...(params && { params }),
    ...(backfill && { backfill }),
  }
  try {
    const child = await startChild(dagId, {
      workflowId: runKeyOf(dagId, day.date),
      args: [input],
      memo: { daybookTrigger: 'backfill' },
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    })
    await child.result()
    day.outcome = 'success'
  } catch (error) {
    if (isAlreadyStarted(error)) {
      day.outcome = 'skipped'
      day.reason = 'in flight: another execution is running this day'
      return
    }
    if (!(error instanceof ChildWorkflowFailure)) throw error
    day.outcome = 'failed'
    day.reason = (rootCause(error) ?? error.message).slice(0, longestReason)
  }
}

export function isDone(day: DayOutcome): boolean {
  return day.outcome !== 'waiting' && day.outcome !== 'running'
}

export function showProgress(progress: BackfillProgress): void {
  progress.done = progress.days.filter(isDone).length
  const failed = progress.days.filter((day) => day.outcome === 'failed')
  const lines = [
    `${progress.done} of ${progress.total} days done, ${failed.length} failed`,
    ...failed.slice(0, 20).map((day) => `${day.date}  failed  ${day.reason.slice(0, 80)}`),
  ]
  setCurrentDetails(['```', ...lines, '```'].join('\n'))
}
