import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  ParentClosePolicy,
  proxyLocalActivities,
  rootCause,
  setCurrentDetails,
  setHandler,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow'
import type { BackfillStart, RunActivities } from '../activities/runs.ts'
import type { Dag } from '../dag/define-dag.ts'
import { backfillDates, BackfillInput, reasonToSkip } from '../dag/plan-backfill.ts'
import { runKeyOf } from '../dag/resolve-run.ts'
import { failureTypes } from '../domain/failures.ts'
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

export const progressQuery = defineQuery<BackfillProgress>('progress')
export const pauseSignal = defineSignal('pause')
export const resumeSignal = defineSignal('resume')
export const cancelSignal = defineSignal('cancel')

const { startBackfill } = proxyLocalActivities<RunActivities>({ startToCloseTimeout: '30 seconds' })

/** Carried over when a long backfill continues as a new execution. */
interface Continuation {
  dagId: string
  concurrency: number
  days: DayOutcome[]
  isPaused: boolean
}

type Backfill = (raw: unknown, continued?: Continuation) => Promise<BackfillProgress>

/**
 * Runs a range of days, each under its own run key. A failed day does not stop the others; the
 * backfill then fails at its end and names the failed days. Pausing and cancelling stop new days
 * only: runs that have started finish.
 */
export function backfillWorkflow(dags: readonly Dag[]): Backfill {
  return async (raw, continued) => {
    const start = continued ?? (await beginBackfill(dags, raw))
    const progress: BackfillProgress = {
      dagId: start.dagId,
      isPaused: start.isPaused,
      isCancelled: false,
      done: start.days.filter(isDone).length,
      total: start.days.length,
      days: start.days,
    }
    handleSignals(progress)
    const scope = CancellationScope.current()
    scope.cancelRequested.catch(() => (progress.isCancelled = true))
    await CancellationScope.nonCancellable(() => runDays(start.concurrency, progress))
    if (!progress.isCancelled && progress.days.some((day) => !isDone(day))) {
      const { days, isPaused } = progress
      return continueAsNew<Backfill>(raw, { ...start, days, isPaused })
    }
    const concluded = concludeBackfill(progress)
    return scope.consideredCancelled ? scope.cancelRequested : concluded
  }
}

async function beginBackfill(dags: readonly Dag[], raw: unknown): Promise<Continuation> {
  try {
    const { input, concurrency, days } = await startBackfill(planBackfill(dags, raw))
    return {
      dagId: input.dagId,
      concurrency,
      isPaused: false,
      days: days.map(({ date, latestState, heldBy }) => {
        const reason = heldBy
          ? `in flight: ${heldBy} has it`
          : reasonToSkip(input.reprocess, latestState)
        const outcome = reason === undefined ? 'waiting' : 'skipped'
        return { date, outcome, reason: reason ?? '' }
      }),
    }
  } catch (error) {
    throw error instanceof ActivityFailure ? (error.cause ?? error) : error
  }
}

function planBackfill(dags: readonly Dag[], raw: unknown): BackfillStart {
  const refuse = (problem: string) => ({
    problem:
      `daybook_backfill cannot start: ${problem}. Give it ` +
      '{"dagId":"ecommerce_daily","from":"2025-12-01","to":"2025-12-31"}.',
  })
  const parsed = BackfillInput.safeParse(raw)
  if (!parsed.success) {
    const words = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`)
    return refuse(words.join('; '))
  }
  const dag = dags.find((candidate) => candidate.id === parsed.data.dagId)
  if (!dag) {
    const known = dags.map((candidate) => candidate.id).join(', ')
    return refuse(`there is no DAG ${parsed.data.dagId}; there are ${known}`)
  }
  const planned = backfillDates(dag, parsed.data, workflowInfo().startTime.getTime())
  return 'problem' in planned ? refuse(planned.problem) : { input: parsed.data, ...planned }
}

function handleSignals(progress: BackfillProgress): void {
  setHandler(progressQuery, () => progress, { description: 'Every day with its outcome' })
  const set = (change: Partial<BackfillProgress>) => () => {
    Object.assign(progress, change)
  }
  setHandler(pauseSignal, set({ isPaused: true }), {
    description: 'Start no further days; running ones finish',
  })
  setHandler(resumeSignal, set({ isPaused: false }), { description: 'Go on after a pause' })
  setHandler(cancelSignal, set({ isCancelled: true }), {
    description: 'Start no further days, ever; running ones finish',
  })
}

/** Starts days as long as it may; ends when all started ones have. Never cancelled half-way. */
async function runDays(concurrency: number, progress: BackfillProgress): Promise<void> {
  const waiting = progress.days.filter((day) => !isDone(day))
  const runNext = async (): Promise<void> => {
    await condition(() => !progress.isPaused || progress.isCancelled)
    if (progress.isCancelled || workflowInfo().continueAsNewSuggested) return
    const day = waiting.shift()
    if (day === undefined) return
    await runDay(progress.dagId, day, day === progress.days[0])
    showProgress(progress)
    await runNext()
  }
  showProgress(progress)
  await Promise.all(Array.from({ length: concurrency }, runNext))
}

/** The first day of a backfill has no past to depend on, as in Airflow. */
async function runDay(dagId: string, day: DayOutcome, isFirst: boolean): Promise<void> {
  day.outcome = 'running'
  try {
    const child = await startChild(dagId, {
      workflowId: runKeyOf(dagId, day.date),
      args: [{ date: day.date, ...(isFirst ? { ignore_depends_on_past: true } : {}) }],
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
    day.reason = rootCause(error) ?? error.message
  }
}

function isDone(day: DayOutcome): boolean {
  return day.outcome !== 'waiting' && day.outcome !== 'running'
}

function showProgress(progress: BackfillProgress): void {
  progress.done = progress.days.filter(isDone).length
  const failed = progress.days.filter((day) => day.outcome === 'failed')
  const lines = [
    `${progress.done} of ${progress.total} days done, ${failed.length} failed`,
    ...failed.slice(0, 20).map((day) => `${day.date}  failed  ${day.reason.slice(0, 80)}`),
  ]
  setCurrentDetails(['```', ...lines, '```'].join('\n'))
}

function concludeBackfill(progress: BackfillProgress): BackfillProgress {
  for (const day of progress.days.filter((one) => one.outcome === 'waiting')) {
    day.outcome = 'skipped'
    day.reason = 'the backfill was cancelled before this day'
  }
  showProgress(progress)
  const failed = progress.days.filter((day) => day.outcome === 'failed')
  if (failed.length === 0) return progress
  const dates = failed.map((day) => day.date).join(', ')
  throw ApplicationFailure.nonRetryable(
    `${failed.length} of ${progress.total} days failed: ${dates}. First: ${failed[0]?.reason ?? ''}`,
    failureTypes.dagRunFailed,
    progress,
  )
}
