import { WorkflowFailedError } from '@temporalio/client'
import { backfillIdOf, startBackfill } from '../schedules/start-backfill.ts'
import { followDays } from './follow-days.ts'
import type { Daybook } from './start-daybook.ts'
import type { Through } from './watch-days.ts'

/** Backfills the range of these days and shows how far it is. A failed day does not throw. */
export async function bookDays(daybook: Daybook, dagId: string, days: string[]): Promise<void> {
  const [from, to] = [days[0], days.at(-1)]
  if (from === undefined || to === undefined) return
  const what = backfillIdOf({ dagId, from, to })
  const followed = { dagId, dates: days, what, lookAfter: `daybook backfills ${what}` }
  await followDays(daybook, followed, async (through) => {
    const { taskQueue } = daybook.config.temporal
    const handle = await startBackfill(daybook.client, { dagId, from, to, taskQueue })
    await untilEnded(through, () => handle.result())
    // A backfill from before a restart may still be running some of them.
    const runs = days.map((day) => daybook.client.workflow.getHandle(`${dagId}/${day}`))
    await Promise.allSettled(runs.map((run) => untilEnded(through, () => run.result())))
  })
  daybook.signal.throwIfAborted()
}

/** Which days failed is in the audit tables. */
async function untilEnded(through: Through, result: () => Promise<unknown>): Promise<void> {
  await through(result).catch((error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error
  })
}
