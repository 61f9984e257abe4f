import { createHash } from 'node:crypto'
import type { Database, Transaction } from './database.ts'
import { inTransaction } from './database.ts'

/** Who is writing: one attempt of a task in a run of a run key (`<dag_id>/<date>`). */
export interface Attempt {
  readonly runKey: string
  readonly runId: string
  readonly taskId: string
  readonly attempt: number
}

/** Thrown instead of committing when a newer attempt of the same task has started. */
export class StaleAttemptError extends Error {
  override name = 'StaleAttempt'
}

/**
 * Makes this attempt the only one that may write for its task. Returns false, changing nothing, when
 * a newer attempt of the same run was faster: a worker can freeze before it gets here.
 */
export async function openFence(database: Database, attempt: Attempt): Promise<boolean> {
  const opened = await database.query(
    `insert into audit.task_fences (run_key, task_id, run_id, attempt) values ($1, $2, $3, $4)
     on conflict (run_key, task_id) do update set run_id = excluded.run_id, attempt = excluded.attempt
     where task_fences.run_id <> excluded.run_id or task_fences.attempt <= excluded.attempt`,
    [attempt.runKey, attempt.taskId, attempt.runId, attempt.attempt],
  )
  return opened.rowCount === 1
}

/**
 * A transaction that proves before it commits that its attempt is still the current one: Temporal
 * refuses the result of a timed-out attempt, but cannot stop its code.
 * @throws StaleAttemptError when a newer attempt has started; nothing is written then
 */
export async function inFencedTransaction<T>(
  database: Database,
  attempt: Attempt,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return inTransaction(database, async (transaction) => {
    const result = await work(transaction)
    await proveCurrent(transaction, attempt)
    return result
  })
}

/**
 * Does nothing for the current attempt. One that a newer attempt has taken over fails of whatever the
 * other left it without, a session that was ended or a table that is gone: this says why.
 * @throws StaleAttemptError when a newer attempt has started, or its run has ended
 */
export async function refuseStale(
  database: Database,
  attempt: Attempt,
  cause: unknown,
): Promise<void> {
  try {
    await inTransaction(database, (transaction) => proveCurrent(transaction, attempt))
  } catch (error) {
    if (error instanceof StaleAttemptError) throw new StaleAttemptError(error.message, { cause })
  }
}

const endLimitMs = 5_000

/** A backend that works for an attempt says so by the name of its application, of 63 bytes at most. */
interface BackendName {
  /** The same for all attempts of a task of a run key. */
  readonly task: string
  readonly run: string
  readonly attempt: number
}

function backendName({ runKey, runId, taskId, attempt }: Attempt): BackendName {
  const short = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)
  return { task: `daybook ${short(`${runKey} ${taskId}`)}`, run: short(runId), attempt }
}

/**
 * Ends the transactions that older attempts of the task have open: a frozen worker keeps the locks of
 * its own for as long as it is frozen. From here to its end the transaction is known as this attempt's.
 * Returns the id of its backend.
 */
export async function takeOver(transaction: Transaction, attempt: Attempt): Promise<number> {
  const { task, run, attempt: number } = backendName(attempt)
  const taken = await transaction.query<{ pid: number }>({
    ...takeOverStatement,
    values: [task, run, number, attempt.runKey, attempt.taskId, attempt.runId],
  })
  const [own] = taken.rows
  if (own === undefined) throw new Error('The backend has no id')
  return own.pid
}

/** Only the attempt that has the fence ends others: one that wakes up late must not end its successor. */
const takeOverStatement = {
  name: 'take_over',
  text: `
with

older as materialized (
    select activity.pid
    from pg_stat_activity as activity
    inner join audit.task_fences as fence
        on fence.run_key = $4 and fence.task_id = $5 and fence.run_id = $6 and fence.attempt = $3
    where activity.datname = current_database()
        and activity.application_name like $1::text || ' %'
        and activity.application_name <> concat_ws(' ', $1::text, $2::text, $3::integer)
        and activity.pid <> pg_backend_pid()
),

ended as materialized (
    select count(pg_terminate_backend(pid)) as backends from older
)

select
    pg_backend_pid() as pid,
    set_config('application_name', concat_ws(' ', $1::text, $2::text, $3::integer), true) as name
from ended`,
}

/**
 * Ends what the attempt itself has open on connections that it has lost, and waits for that: a server
 * that does not know of the loss could commit it while the attempt does its work again.
 */
export async function endLostTransactions(database: Database, attempt: Attempt): Promise<void> {
  const { task, run, attempt: number } = backendName(attempt)
  await database.query(
    `select pg_terminate_backend(pid, ${endLimitMs}) from pg_stat_activity
     where datname = current_database()
       and application_name = concat_ws(' ', $1::text, $2::text, $3::integer)`,
    [task, run, number],
  )
}

/** A run that was terminated, or taken over by a newer one, may not write any more. */
async function refuseEndedRun(transaction: Transaction, attempt: Attempt): Promise<void> {
  const run = await transaction.query<{ state: string }>(
    `select state from audit.pipeline_runs where run_id = $1 and state <> 'running' for share`,
    [attempt.runId],
  )
  const [ended] = run.rows
  if (!ended) return
  throw new StaleAttemptError(
    `The run of ${attempt.runKey} that ${attempt.taskId} belongs to is ${ended.state}; nothing was written`,
  )
}

async function proveCurrent(transaction: Transaction, attempt: Attempt): Promise<void> {
  const fence = await transaction.query<{ run_id: string; attempt: number }>(
    'select run_id, attempt from audit.task_fences where run_key = $1 and task_id = $2 for share',
    [attempt.runKey, attempt.taskId],
  )
  const current = fence.rows[0]
  await refuseEndedRun(transaction, attempt)
  if (current?.run_id === attempt.runId && current.attempt === attempt.attempt) return
  throw new StaleAttemptError(
    `Attempt ${attempt.attempt} of ${attempt.taskId} in ${attempt.runKey} is no longer the current ` +
      `one (now: attempt ${current?.attempt ?? 'none'}); nothing was written`,
  )
}
