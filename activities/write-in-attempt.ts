import { CancelledFailure, Context } from '@temporalio/activity'
import { inFencedTransaction, takeOver } from '../platform/attempt.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { currentAttempt } from './current-attempt.ts'

/**
 * One fenced transaction of the current attempt. When the attempt is cancelled, its running statement
 * is cancelled on the server and everything rolls back.
 */
export async function writeInAttempt<T>(
  database: Database,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return inFencedTransaction(database, currentAttempt(), (transaction) =>
    cancellable(database, transaction, work),
  )
}

async function cancellable<T>(
  database: Database,
  transaction: Transaction,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const signal = Context.current().cancellationSignal
  if (signal.aborted)
    throw new CancelledFailure('The attempt was cancelled before it began to write')
  const backend = await takeOver(transaction, currentAttempt())
  let cancelling: Promise<unknown> = Promise.resolve()
  const cancelStatement = () => {
    cancelling = database.query('select pg_cancel_backend($1)', [backend]).catch(() => undefined)
  }
  signal.addEventListener('abort', cancelStatement)
  try {
    return await work(transaction)
  } catch (error) {
    if (signal.aborted) throw new CancelledFailure('The attempt was cancelled; nothing was written')
    throw error
  } finally {
    signal.removeEventListener('abort', cancelStatement)
    // A late request must not hit the next transaction of this connection.
    await cancelling
  }
}
