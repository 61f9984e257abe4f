import { ApplicationFailure } from '@temporalio/activity'
import { z } from 'zod'
import type { AttemptPlan } from '../dag/retry-delay.ts'
import type { Attempt } from '../platform/attempt.ts'
import { StaleAttemptError } from '../platform/attempt.ts'
import type { Database } from '../platform/database.ts'
import { endNotWritten } from '../platform/ended-run.ts'
import { storableText } from '../platform/storable-text.ts'

const maxErrorLength = 4_000

const count = z.int().nonnegative().nullable().catch(null).default(null)
/** What a task may say about its work; anything else it returns is not looked at. */
export const TaskCounts = z
  .object({
    ...{ rowsIn: count, rowsOut: count, rowsRejected: count, bytes: count },
    upToDate: z.boolean().catch(false).default(false),
  })
  .catch({ rowsIn: null, rowsOut: null, rowsRejected: null, bytes: null, upToDate: false })
type TaskCounts = z.infer<typeof TaskCounts>

type Outcome =
  { state: 'success'; counts: TaskCounts } | { state: 'failed' | 'cancelled'; error: string }

/** A cleared task begins anew for Temporal; for people its attempts are counted on. */
export async function attemptsBefore(
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

/**
 * One statement, so that a task waits for one round trip before it starts, and not for the disk: what
 * the attempt itself commits flushes these rows first, as the log is one sequence. Where a crash of
 * PostgreSQL took back that a task had ended, the first task after it says how, or the end of the run;
 * when it ended stays unknown.
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

settled as (
    update audit.task_runs as attempt
    set state = known.state, error = '${endNotWritten}'
    from jsonb_to_recordset($8::jsonb) as known (task_id text, state text, cleared integer)
    where attempt.run_id = $1 and attempt.task_id = known.task_id and attempt.cleared = known.cleared
    and attempt.state = 'running' and exists (select from fence)
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

export async function beginAttempt(
  database: Database,
  attempt: Attempt,
  worker: string,
  plan: AttemptPlan | undefined,
): Promise<void> {
  const { runKey, runId, taskId } = attempt
  const ended = (plan?.ended ?? []).map(({ taskId: task_id, ...how }) => ({ task_id, ...how }))
  const begun = await database.query<{ run_state: string; is_current: boolean }>({
    ...beginStatement,
    values: [
      ...[runId, taskId, attempt.attempt, runKey, worker, plan?.cleared ?? 0],
      plan?.name === undefined ? null : storableText(plan.name),
      JSON.stringify(ended),
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

export async function endAttempt(
  database: Database,
  attempt: Attempt,
  outcome: Outcome,
): Promise<void> {
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

export function inWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const type = error instanceof ApplicationFailure && error.type ? `${error.type}: ` : ''
  return storableText(`${type}${text}`.slice(0, maxErrorLength))
}
