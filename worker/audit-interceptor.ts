import type { Context } from '@temporalio/activity'
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import { z } from 'zod'
import { setAttempt } from '../activities/current-attempt.ts'
import { progressOf } from '../activities/progress.ts'
import { AttemptPlan, notYet, retryDelayAfter, taskSkipped } from '../dag/retry-delay.ts'
import type { Attempt } from '../platform/attempt.ts'
import { StaleAttemptError } from '../platform/attempt.ts'
import type { Database } from '../platform/database.ts'
import { storableText } from '../platform/storable-text.ts'

const heartbeatEveryMs = 2_000
const maxErrorLength = 4_000

const count = z.int().nonnegative().nullable().catch(null).default(null)
/** What a task may say about its work; anything else it returns is not looked at. */
const TaskCounts = z
  .object({
    ...{ rowsIn: count, rowsOut: count, rowsRejected: count, bytes: count },
    upToDate: z.boolean().catch(false).default(false),
  })
  .catch({ rowsIn: null, rowsOut: null, rowsRejected: null, bytes: null, upToDate: false })
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
        const [taskInput, rawPlan] = input.args
        const plan = AttemptPlan.safeParse(rawPlan).data
        const attempt = await taskAttempt(database, context, plan)
        if (attempt === undefined) return next(input)
        setAttempt(context, attempt)
        await beginAttempt(database, attempt, worker, plan)
        const work = () => next({ ...input, args: [taskInput] })
        return auditAttempt(database, context, attempt, () =>
          followPlan(context, attempt, plan, work),
        )
      },
    },
  })
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
  const { isLocal, workflowExecution, workflowType, activityId } = info
  if (isLocal || workflowExecution === undefined || workflowType === undefined) return undefined
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

/** A cleared task begins anew for Temporal; for people its attempts are counted on. */
async function attemptsBefore(
  database: Database,
  runId: string,
  taskId: string,
  cleared: number,
): Promise<number> {
  const { rows } = await database.query<{ attempts: number }>(
    `select coalesce(max(attempt), 0) as attempts from audit.task_runs
     where run_id = $1 and task_id = $2 and cleared < $3`,
    [runId, taskId, cleared],
  )
  return rows[0]?.attempts ?? 0
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
    if (error instanceof ApplicationFailure && error.type === notYet) throw error
    const state = context.cancellationSignal.aborted ? 'cancelled' : 'failed'
    // The reason why the task failed must reach the run even when the row cannot be written.
    await endAttempt(database, attempt, { state, error: inWords(error) }).catch(() => undefined)
    throw isWorkerStopping(context) ? attemptInterrupted(attempt, error) : error
  } finally {
    clearInterval(heartbeat)
  }
}

/**
 * One statement, so that a task waits for one round trip before it starts, and not for the disk: what
 * the attempt itself commits flushes these rows first, as the log is one sequence, and closing the
 * run settles a row that a crash of PostgreSQL took back.
 */
const beginStatement = {
  name: 'begin_attempt',
  text: `
with

run as (
    select state from audit.pipeline_runs
    where run_id = $1
    for share
),

permission as (
    select coalesce((select state from run), 'running') as run_state
),

fence as (
    insert into audit.task_fences (run_key, task_id, run_id, attempt)
    select $4, $2, $1, $3 from permission
    where run_state = 'running'
    on conflict (run_key, task_id) do update set run_id = excluded.run_id, attempt = excluded.attempt
    where task_fences.run_id <> excluded.run_id or task_fences.attempt <= excluded.attempt
    returning attempt
),

earlier as (
    update audit.task_runs
    set state = 'failed', ended_at = now(), error = 'ended without a word: timed out or killed'
    where run_id = $1 and task_id = $2 and attempt < $3 and state = 'running'
    and exists (select from fence)
),

begun as (
    insert into audit.task_runs (run_id, task_id, attempt, run_key, state, worker, cleared, display_name)
    select $1, $2, $3, $4, 'running', $5, $6, $7 from fence
    on conflict (run_id, task_id, attempt) do update set
        worker = excluded.worker, state = 'running', ended_at = null, error = null
)

select
    run_state,
    exists (select from fence) as is_current,
    set_config('synchronous_commit', 'off', true) as flushing
from permission`,
}

async function beginAttempt(
  database: Database,
  attempt: Attempt,
  worker: string,
  plan: AttemptPlan | undefined,
): Promise<void> {
  const { runKey, runId, taskId } = attempt
  const begun = await database.query<{ run_state: string; is_current: boolean }>({
    ...beginStatement,
    values: [
      ...[runId, taskId, attempt.attempt, runKey, worker, plan?.cleared ?? 0],
      plan?.name === undefined ? null : storableText(plan.name),
    ],
  })
  const { run_state: runState = 'running', is_current: isCurrent } = begun.rows[0] ?? {}
  if (runState !== 'running') throw staleAttempt(attempt, `its run is ${runState}`)
  if (isCurrent !== true) throw staleAttempt(attempt, 'a newer attempt has started')
}

function staleAttempt({ taskId, runKey, attempt }: Attempt, why: string): StaleAttemptError {
  return new StaleAttemptError(`Attempt ${attempt} of ${taskId} in ${runKey} may not start: ${why}`)
}

const endStatement = {
  name: 'end_attempt',
  text: `
update audit.task_runs
set
    state = $4, ended_at = now(), error = $5,
    rows_in = $6, rows_out = $7, rows_rejected = $8, bytes = $9, is_up_to_date = $10
where run_id = $1 and task_id = $2 and attempt = $3 and state = 'running'
returning set_config('synchronous_commit', 'off', true) as flushing`,
}

async function endAttempt(database: Database, attempt: Attempt, outcome: Outcome): Promise<void> {
  const counts = outcome.state === 'success' ? outcome.counts : undefined
  const error = outcome.state === 'success' ? null : outcome.error
  await database.query({
    ...endStatement,
    values: [
      ...[attempt.runId, attempt.taskId, attempt.attempt, outcome.state, error],
      ...[counts?.rowsIn, counts?.rowsOut, counts?.rowsRejected, counts?.bytes],
      counts?.upToDate ?? false,
    ],
  })
}

function inWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const type = error instanceof ApplicationFailure && error.type ? `${error.type}: ` : ''
  return storableText(`${type}${text}`.slice(0, maxErrorLength))
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
