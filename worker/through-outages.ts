import type { Context } from '@temporalio/activity'
import type { Database } from '../platform/database.ts'
import { isOutage } from '../platform/database-outage.ts'
import { attemptInterrupted, isWorkerStopping } from './worker-stopping.ts'

/** An outage that takes longer is a failure of the try. */
const longestOutageMs = 10 * 60_000
/** Work that ends the database each time must not do so for ever. */
const mostOutages = 5
const firstPauseMs = 100
const longestPauseMs = 2_000
/** A server that says nothing for so long is away, though nobody has refused or reset the connection. */
const answersWithinMs = 5_000

/**
 * Does work that only the database's absence makes fail again when the database is back, within the same
 * try of the activity. The work must be repeatable: whether it has committed may be unknown. @throws what the work throws, after 5 outages or one of 10 minutes too
 */
export async function throughOutages<T>(
  context: Context,
  database: Database,
  work: (isAgain: boolean) => Promise<T>,
): Promise<T> {
  for (let outages = 0; ; outages += 1) {
    try {
      return await work(outages > 0)
    } catch (error) {
      if (!isOutage(error) || outages === mostOutages) throw error
      context.log.warn('The database is away; the work is done again when it is back', { error })
      if (!(await isBack(context, database))) throw error
    }
  }
}

async function isBack(context: Context, database: Database): Promise<boolean> {
  const giveUpAt = Date.now() + longestOutageMs
  for (let pauseMs = firstPauseMs; Date.now() < giveUpAt;) {
    await pause(context, pauseMs)
    pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    if (await answers(context, database)) return true
  }
  return false
}

/** @throws CancelledFailure, WorkerStopped also while it waits */
async function answers(context: Context, database: Database): Promise<boolean> {
  // Has its connection ended when it takes too long: a pool of silent ones could connect to nothing.
  const look = { text: 'select 1', query_timeout: answersWithinMs }
  const asked = database.query(look).then(
    () => true,
    (error: unknown) => {
      if (isOutage(error)) return false
      throw error
    },
  )
  return Promise.race([asked, pause(context, answersWithinMs).then(() => false)])
}

/** @throws CancelledFailure when the activity is cancelled, WorkerStopped when its worker stops */
async function pause(context: Context, ms: number): Promise<void> {
  try {
    await context.sleep(ms)
  } catch (error) {
    throw isWorkerStopping(context) ? attemptInterrupted(context, error) : error
  }
}
