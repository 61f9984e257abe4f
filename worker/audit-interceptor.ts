import type { Context } from '@temporalio/activity'
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import { z } from 'zod'
import { progressOf } from '../activities/progress.ts'
import { RetryDelays, retryDelayAfter } from '../dag/retry-delay.ts'
import type { Attempt } from '../platform/attempt.ts'
import { openFence, StaleAttemptError } from '../platform/attempt.ts'
import type { Database } from '../platform/database.ts'
import { inTransaction } from '../platform/database.ts'

const heartbeatEveryMs = 2_000
const maxErrorLength = 4_000

const count = z.int().nonnegative().nullable().catch(null).default(null)
/** What a task may say about its work; anything else it returns is not looked at. */
const TaskCounts = z
  .object({ rowsIn: count, rowsOut: count, rowsRejected: count, bytes: count })
  .catch({ rowsIn: null, rowsOut: null, rowsRejected: null, bytes: null })
type TaskCounts = z.infer<typeof TaskCounts>

type Outcome =
  { state: 'success'; counts: TaskCounts } | { state: 'failed' | 'cancelled'; error: string }

/**
 * Writes a row of audit.task_runs around every attempt of a task, makes it the only attempt that may
 * write, and sends heartbeats while it runs, so that a killed worker is noticed within seconds.
 */
export function createAuditInterceptor(
  database: Database,
  worker: string,
): ActivityInterceptorsFactory {
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const attempt = taskAttempt(context)
        if (attempt === undefined) return next(input)
        await beginAttempt(database, attempt, worker)
        const [taskInput, delays] = input.args
        const work = () => next({ ...input, args: [taskInput] })
        return auditAttempt(database, context, attempt, () =>
          delayingRetries(attempt, delays, work),
        )
      },
    },
  })
}

/** What a task throws is tried again after the task's own delay, which only its run knows. */
async function delayingRetries(
  { attempt }: Attempt,
  delays: unknown,
  work: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    const known = RetryDelays.safeParse(delays)
    throw known.success ? delayed(error, retryDelayAfter(attempt, known.data)) : error
  }
}

function delayed(error: unknown, nextRetryDelay: number): unknown {
  if (!(error instanceof Error) || error instanceof CancelledFailure) return error
  if (!(error instanceof ApplicationFailure)) {
    const { message, name } = error
    const type = name === 'Error' ? {} : { type: name }
    return ApplicationFailure.create({ message, ...type, cause: error, nextRetryDelay })
  }
  if (error.nonRetryable || error.nextRetryDelay !== undefined) return error
  const { message, type, details } = error
  return ApplicationFailure.create({
    ...{ message, nextRetryDelay, cause: error, details: details ?? [] },
    ...(type ? { type } : {}),
  })
}

/** The attempt of a task in a run; undefined for local activities and workflows that are no run. */
function taskAttempt({ info }: Context): Attempt | undefined {
  const { isLocal, workflowExecution, workflowType, activityId, attempt } = info
  if (isLocal || workflowExecution === undefined || workflowType === undefined) return undefined
  const { workflowId, runId } = workflowExecution
  const isRun = workflowId.startsWith(`${workflowType}/`) && /\/\d{4}-\d{2}-\d{2}$/.test(workflowId)
  return isRun ? { runKey: workflowId, runId, taskId: activityId, attempt } : undefined
}

async function auditAttempt(
  database: Database,
  context: Context,
  attempt: Attempt,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const heartbeat = setInterval(() => {
    context.heartbeat(progressOf(context))
  }, heartbeatEveryMs)
  try {
    const result = await work()
    await endAttempt(database, attempt, { state: 'success', counts: TaskCounts.parse(result) })
    return result
  } catch (error) {
    const state = context.cancellationSignal.aborted ? 'cancelled' : 'failed'
    // The reason why the task failed must reach the run even when the row cannot be written.
    await endAttempt(database, attempt, { state, error: inWords(error) }).catch(() => undefined)
    throw isWorkerStopping(context) ? attemptInterrupted(attempt, error) : error
  } finally {
    clearInterval(heartbeat)
  }
}

async function beginAttempt(database: Database, attempt: Attempt, worker: string): Promise<void> {
  const { runKey, runId, taskId } = attempt
  await inTransaction(database, async (transaction) => {
    const run = await transaction.query<{ state: string }>(
      'select state from audit.pipeline_runs where run_id = $1 for share',
      [runId],
    )
    const state = run.rows[0]?.state ?? 'running'
    if (state !== 'running') throw staleAttempt(attempt, `its run is ${state}`)
    await transaction.query(
      `update audit.task_runs
       set state = 'failed', ended_at = now(), error = 'ended without a word: timed out or killed'
       where run_id = $1 and task_id = $2 and attempt < $3 and state = 'running'`,
      [runId, taskId, attempt.attempt],
    )
    await transaction.query(
      `insert into audit.task_runs (run_id, task_id, attempt, run_key, state, worker)
       values ($1, $2, $3, $4, 'running', $5)
       on conflict (run_id, task_id, attempt) do update set worker = excluded.worker`,
      [runId, taskId, attempt.attempt, runKey, worker],
    )
  })
  const isCurrent = await openFence(database, attempt)
  if (!isCurrent) throw staleAttempt(attempt, 'a newer attempt has started')
}

function staleAttempt({ taskId, runKey, attempt }: Attempt, why: string): StaleAttemptError {
  return new StaleAttemptError(`Attempt ${attempt} of ${taskId} in ${runKey} may not start: ${why}`)
}

async function endAttempt(database: Database, attempt: Attempt, outcome: Outcome): Promise<void> {
  const counts = outcome.state === 'success' ? outcome.counts : undefined
  const error = outcome.state === 'success' ? null : outcome.error
  await database.query(
    `update audit.task_runs
     set state = $4, ended_at = now(), error = $5,
       rows_in = $6, rows_out = $7, rows_rejected = $8, bytes = $9
     where run_id = $1 and task_id = $2 and attempt = $3 and state = 'running'`,
    [
      ...[attempt.runId, attempt.taskId, attempt.attempt, outcome.state, error],
      ...[counts?.rowsIn, counts?.rowsOut, counts?.rowsRejected, counts?.bytes],
    ],
  )
}

function inWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const type = error instanceof ApplicationFailure && error.type ? `${error.type}: ` : ''
  return `${type}${text}`.slice(0, maxErrorLength)
}

function isWorkerStopping({ cancellationSignal }: Context): boolean {
  const reason: unknown = cancellationSignal.reason
  return reason instanceof Error && reason.message === 'WORKER_SHUTDOWN'
}

/** Another worker takes it up at once, whatever delay the task has between its retries. */
function attemptInterrupted({ taskId }: Attempt, error: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    message: `The worker was stopped while it ran ${taskId}`,
    type: 'WorkerStopped',
    nextRetryDelay: '1 second',
    ...(error instanceof Error ? { cause: error } : {}),
  })
}
