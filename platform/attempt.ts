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
