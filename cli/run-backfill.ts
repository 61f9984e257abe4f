import { WorkflowFailedError } from '@temporalio/client'
import type { StartBackfillInput } from '../schedules/start-backfill.ts'
import { backfillIdOf, startBackfill } from '../schedules/start-backfill.ts'
import type { BackfillProgress } from '../workflows/run-days.ts'
import type { Connections } from './connect.ts'
import { failureMessage } from './failure-message.ts'
import { followDays, startToFollow } from './follow-days.ts'
import type { Through } from './watch-days.ts'

export type BackfillOutcome =
  | { backfill: string; state: 'success'; result: BackfillProgress }
  | { backfill: string; state: 'failed'; error: string }

/** Starts a backfill, or joins it, and shows how far the given days are until it has ended. */
export async function runBackfill(
  to: Connections,
  input: Omit<StartBackfillInput, 'taskQueue'>,
  dates: string[],
): Promise<BackfillOutcome> {
  const { taskQueue } = to.config.temporal
  const backfill = backfillIdOf(input)
  const words = { what: backfill, lookAfter: `daybook backfills ${backfill}` }
  const handle = await startToFollow(words, () => startBackfill(to.client, { ...input, taskQueue }))
  try {
    const followed = { dagId: input.dagId, dates, ...words }
    const end = (through: Through) => through(() => handle.result())
    return { backfill, state: 'success', result: await followDays(to, followed, end) }
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error
    return { backfill, state: 'failed', error: failureMessage(error) }
  }
}
