import pg from 'pg'
import type { Database, Transaction } from './database.ts'

/** Somebody holds a lock for longer than one waits; the message names the sessions that may be meant. */
export class LockHeldError extends Error {
  override name = 'LockHeld'
}

/** From here to its end the transaction waits at most that long for each lock. */
export async function limitLockWaits(transaction: Transaction, limitMs: number): Promise<void> {
  await transaction.query(`select set_config('lock_timeout', $1, true)`, [`${limitMs}ms`])
}

/** Whether a statement gave up on a lock. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '55P03'
}

/**
 * Other sessions with a transaction of at least that age that hold a lock on a table, the oldest first,
 * in words for the person who has to end them.
 */
export async function longTransactions(database: Database, ageMs: number): Promise<string[]> {
  const { rows } = await database.query<{ session: string }>(
    `select format('pid %s (%s%s, %s) since %s', pid, usename,
         ' in ' || nullif(application_name, ''), state, to_char(xact_start, 'YYYY-MM-DD HH24:MI:SS "UTC"')) as session
     from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
       and xact_start <= clock_timestamp() - $1 * interval '1 millisecond'
       and exists (select from pg_locks where pg_locks.pid = pg_stat_activity.pid and locktype = 'relation')
     order by xact_start`,
    [ageMs],
  )
  return rows.map(({ session }) => session)
}
