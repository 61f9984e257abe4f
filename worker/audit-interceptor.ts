import type { Context } from '@temporalio/activity'
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import { setAttempt } from '../activities/current-attempt.ts'
import { AttemptPlan, notYet, retryDelayAfter, taskSkipped } from '../dag/retry-delay.ts'
import type { Attempt } from '../platform/attempt.ts'
import { endLostTransactions } from '../platform/attempt.ts'
import type { Database } from '../platform/database.ts'
import { attemptsBefore, beginAttempt, endAttempt, inWords, TaskCounts } from './attempt-rows.ts'
import { throughOutages } from './through-outages.ts'
import { withHeartbeats } from './with-heartbeats.ts'
import { attemptInterrupted, isWorkerStopping } from './worker-stopping.ts'

/**
 * Writes a row of audit.task_runs around every attempt of a task, makes it the only attempt that may
 * write, and sends heartbeats while it runs, so that a killed worker is noticed within seconds. An
 * attempt waits for a database that is away, and does its work again.
 */
export function createAuditInterceptor(
  database: Database,
  worker: string,
): ActivityInterceptorsFactory {
  return (context) => ({
    inbound: {
      async execute(input, next) {
        // Local activities hold up their workflow, which tries them again itself.
        if (context.info.isLocal) return next(input)
        return withHeartbeats(context, async () => {
          const [taskInput, rawPlan] = input.args
          const plan = AttemptPlan.safeParse(rawPlan).data
          const through = <T>(work: (isAgain: boolean) => Promise<T>) =>
            throughOutages(context, database, work)
          const attempt = await through(() => taskAttempt(database, context, plan))
          if (attempt === undefined) return through(() => next(input))
          setAttempt(context, attempt)
          const begin = () => beginAttempt(database, attempt, worker, plan)
          await through(begin)
          const inAttempt = <T>(work: () => Promise<T>) =>
            through(async (isAgain) => {
              if (isAgain) await endLostTransactions(database, attempt)
              // A crash takes back what was not flushed: the beginning of the attempt.
              if (isAgain) await begin()
              return work()
            })
          const once = () => next({ ...input, args: [taskInput] })
          const work = isRepeatable(context, plan) ? () => inAttempt(once) : once
          return auditAttempt(context, {
            work: () => followPlan(context, attempt, plan, work),
            succeed: (result) =>
              inAttempt(() =>
                endAttempt(database, attempt, {
                  state: 'success',
                  counts: TaskCounts.parse(result),
                }),
              ),
            // The reason why the task failed must reach the run even when the row cannot be written.
            fail: (state, error) =>
              endAttempt(database, attempt, { state, error: inWords(error) }).catch(
                () => undefined,
              ),
          })
        })
      },
    },
  })
}

/** A task without retries is never to run twice, whatever it failed of. */
function isRepeatable({ info }: Context, plan: AttemptPlan | undefined): boolean {
  return info.retryPolicy?.maximumAttempts !== 1 || plan?.triesBefore !== undefined
}

/** What a task throws is tried again after the task's own delay, which only its run knows. */
async function followPlan(
  { info }: Context,
  who: Attempt,
  plan: AttemptPlan | undefined,
  work: () => Promise<unknown>,
): Promise<unknown> {
  if (plan === undefined) return work()
  try {
    const result = await work()
    return plan.pokeIntervalMs === undefined ? result : orNotYet(result, plan.pokeIntervalMs)
  } catch (error) {
    // Every look of a sensor is an attempt for Temporal, and no reason to wait longer.
    const attempt = plan.pokeIntervalMs === undefined ? info.attempt + (plan.triesBefore ?? 0) : 1
    throw delayed(error, retryDelayAfter(attempt, plan, who))
  }
}

/** A sensor that found nothing looks again later. */
function orNotYet(result: unknown, nextRetryDelay: number): unknown {
  if (result !== undefined && result !== null && result !== false) return result
  throw ApplicationFailure.create({ message: 'not there yet', type: notYet, nextRetryDelay })
}

function delayed(error: unknown, nextRetryDelay: number): unknown {
  if (!(error instanceof Error) || error instanceof CancelledFailure) return error
  if (!(error instanceof ApplicationFailure)) {
    const { message, name } = error
    const type = name === 'Error' ? {} : { type: name }
    return ApplicationFailure.create({ message, ...type, cause: error, nextRetryDelay })
  }
  const { message, type, details } = error
  if (type === taskSkipped) return ApplicationFailure.nonRetryable(message, type)
  if (error.nonRetryable || error.nextRetryDelay !== undefined) return error
  return ApplicationFailure.create({
    ...{ message, nextRetryDelay, cause: error, details: details ?? [] },
    ...(type ? { type } : {}),
  })
}

/** The attempt of a task in a run; undefined for all that is no task: an id with a colon says so. */
async function taskAttempt(
  database: Database,
  { info }: Context,
  plan: AttemptPlan | undefined,
): Promise<Attempt | undefined> {
  const { workflowExecution, workflowType, activityId } = info
  if (workflowExecution === undefined || workflowType === undefined) return undefined
  const { workflowId } = workflowExecution
  const isRun = workflowId.startsWith(`${workflowType}/`) && /\/\d{4}-\d{2}-\d{2}$/.test(workflowId)
  if ((!isRun && plan?.run === undefined) || activityId.includes(':')) return undefined
  const { runKey, runId } = plan?.run ?? { runKey: workflowId, runId: workflowExecution.runId }
  // All looks of a sensor are one attempt.
  const attempt = plan?.pokeIntervalMs === undefined ? info.attempt + (plan?.triesBefore ?? 0) : 1
  const before =
    plan?.cleared === undefined
      ? 0
      : await attemptsBefore(database, runId, activityId, plan.cleared)
  return { runKey, runId, taskId: activityId, attempt: before + attempt }
}

interface Audited {
  readonly work: () => Promise<unknown>
  readonly succeed: (result: unknown) => Promise<void>
  readonly fail: (state: 'failed' | 'cancelled', error: unknown) => Promise<void>
}

async function auditAttempt(context: Context, { work, succeed, fail }: Audited): Promise<unknown> {
  try {
    const result = await work()
    await succeed(result)
    return result
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === notYet) throw error
    await fail(context.cancellationSignal.aborted ? 'cancelled' : 'failed', error)
    throw isWorkerStopping(context) ? attemptInterrupted(context, error) : error
  }
}
