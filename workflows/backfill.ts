import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyLocalActivities,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow'
import type {
  BackfillActivities,
  BackfillStart,
  StartedBackfill,
  UndecidedDay,
} from '../activities/backfills.ts'
import type { Dag } from '../dag/define-dag.ts'
import type { PlannedDay, Reprocess } from '../dag/plan-backfill.ts'
import { BackfillInput, inWords, planBackfill, reasonToSkip } from '../dag/plan-backfill.ts'
import { localOptions } from '../dag/run-loop/local-options.ts'
import { failureTypes } from '../domain/failures.ts'
import type { BackfillProgress, RunsOfBackfill } from './run-days.ts'
import { isDone, mostEvents, runDays, showProgress } from './run-days.ts'

export const progressQuery = defineQuery<BackfillProgress>('progress')
export const pauseSignal = defineSignal('pause')
export const resumeSignal = defineSignal('resume')
export const cancelSignal = defineSignal('cancel')

const ledger = proxyLocalActivities<BackfillActivities>(localOptions)

/** Carried over when a long backfill continues as a new execution. */
interface Continuation extends RunsOfBackfill {
  readonly dagId: string
  readonly days: BackfillProgress['days']
  readonly isPaused: boolean
}

type Backfill = (raw: unknown, continued?: Continuation) => Promise<BackfillProgress>

/**
 * Runs a range of days, each under its own run key. A failed day does not stop the others; the
 * backfill then fails at its end and names the failed days. Pausing and cancelling stop new days
 * only: runs that have started finish. An execution has fewer events than `limit`, then continues as
 * a new one when its running days have ended.
 */
export function backfillWorkflow(dags: readonly Dag[], limit = mostEvents): Backfill {
  const workflow: Backfill = async (raw, continued) => {
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
    await CancellationScope.nonCancellable(() => runDays(start, progress, limit))
    if (!progress.isCancelled && progress.days.some((day) => !isDone(day))) {
      const { days, isPaused } = progress
      return continueAsNew<Backfill>(raw, { ...start, days, isPaused })
    }
    skipTheRest(progress)
    await writeEnd(start, progress)
    const concluded = concludeBackfill(progress)
    return scope.consideredCancelled ? scope.cancelRequested : concluded
  }
  setWorkflowOptions(outlivingItsVersion, workflow)
  return workflow
}

/** Each of its days begins on the version of that day; a worker without a version refuses to be told. */
function outlivingItsVersion(): { versioningBehavior?: 'AUTO_UPGRADE' } {
  // Without a deployment there still is a version, with an empty name.
  const deployment = workflowInfo().currentDeploymentVersion?.deploymentName ?? ''
  return deployment !== '' ? { versioningBehavior: 'AUTO_UPGRADE' } : {}
}

async function beginBackfill(dags: readonly Dag[], raw: unknown): Promise<Continuation> {
  try {
    // Whoever cancels now finds a backfill in the ledger that ends, not half of one.
    const started = await CancellationScope.nonCancellable(() =>
      ledger.startBackfill(resolveBackfill(dags, raw)),
    )
    return continuationOf(started)
  } catch (error) {
    throw error instanceof ActivityFailure ? (error.cause ?? error) : error
  }
}

function continuationOf({ backfillId, input, concurrency, days }: StartedBackfill): Continuation {
  const { dagId, params, graph, reprocess } = input
  const kept = params === undefined ? 'recorded' : 'given'
  return {
    ...{ dagId, concurrency, isPaused: false },
    ...(params && { params }),
    ...(backfillId !== undefined && { backfill: { id: backfillId, params: kept, graph } }),
    days: days.map((day) => {
      const reason = reasonOf(day, reprocess)
      const outcome = reason === undefined ? 'waiting' : 'skipped'
      return { date: day.date, outcome, reason: reason ?? '' }
    }),
  }
}

function reasonOf(day: PlannedDay | UndecidedDay, reprocess: Reprocess): string | undefined {
  if ('reason' in day) return day.reason ?? undefined
  if (day.heldBy) return `in flight: ${day.heldBy} has it`
  const isInFlight = day.latestState === 'running' || day.latestState === 'queued'
  return isInFlight && reprocess !== 'none' ? undefined : reasonToSkip(reprocess, day.latestState)
}

function resolveBackfill(dags: readonly Dag[], raw: unknown): BackfillStart {
  const refuse = (problem: string) => ({
    problem:
      `daybook_backfill cannot start: ${problem}. Give it ` +
      '{"dagId":"ecommerce_daily","from":"2025-12-01","to":"2025-12-31"}.',
  })
  const parsed = BackfillInput.safeParse(raw)
  if (!parsed.success) return refuse(inWords(parsed.error))
  const dag = dags.find((candidate) => candidate.id === parsed.data.dagId)
  if (!dag) {
    const known = dags.map((candidate) => candidate.id).join(', ')
    return refuse(`there is no DAG ${parsed.data.dagId}; there are ${known}`)
  }
  const { workflowId, firstExecutionRunId, startTime } = workflowInfo()
  const startedMs = startTime.getTime()
  const plan = planBackfill(dag, parsed.data, startedMs)
  if ('problem' in plan) return refuse(plan.problem)
  return { backfillId: firstExecutionRunId, workflowId, startedMs, plan }
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

function skipTheRest(progress: BackfillProgress): void {
  for (const day of progress.days.filter((one) => one.outcome === 'waiting')) {
    day.outcome = 'skipped'
    day.reason = 'the backfill was cancelled before this day'
  }
  showProgress(progress)
}

async function writeEnd({ backfill }: Continuation, progress: BackfillProgress): Promise<void> {
  if (backfill === undefined) return
  const { isCancelled, days } = progress
  const hasFailed = days.some((day) => day.outcome === 'failed')
  const state = isCancelled ? 'cancelled' : hasFailed ? 'failed' : 'success'
  const skipped = days
    .filter((day) => day.outcome === 'skipped')
    .map(({ date, reason }) => ({ date, reason }))
  await CancellationScope.nonCancellable(() =>
    ledger.closeBackfill({ backfillId: backfill.id, state, skipped }),
  )
}

function concludeBackfill(progress: BackfillProgress): BackfillProgress {
  const failed = progress.days.filter((day) => day.outcome === 'failed')
  if (failed.length === 0) return progress
  const dates = failed.map((day) => day.date).join(', ')
  throw ApplicationFailure.nonRetryable(
    `${failed.length} of ${progress.total} days failed: ${dates}. First: ${failed[0]?.reason ?? ''}`,
    failureTypes.dagRunFailed,
    progress,
  )
}
