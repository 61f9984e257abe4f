import { WorkflowFailedError } from '@temporalio/client'
import type { StartBackfillInput } from '../schedules/start-backfill.ts'
import { startBackfill } from '../schedules/start-backfill.ts'
import type { BackfillProgress } from '../workflows/run-days.ts'
import type { Connections } from './connect.ts'
import { failureMessage } from './failure-message.ts'
import { watchDays } from './watch-days.ts'

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
  const handle = await startBackfill(to.client, { ...input, taskQueue })
  const done = handle.result()
  await watchDays({ database: to.database, dagId: input.dagId, dates, done })
  try {
    return { backfill: handle.workflowId, state: 'success', result: await done }
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error
    return { backfill: handle.workflowId, state: 'failed', error: failureMessage(error) }
  }
}
