import { WorkflowFailedError } from '@temporalio/client'
import { startBackfill } from './start-work.ts'
import type { Connections } from './connect.ts'
import { watchDays } from './watch-days.ts'

/** Backfills the range of these days and shows how far it is. A failed day does not throw. */
export async function bookDays(to: Connections, dagId: string, days: string[]): Promise<void> {
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return
  const { taskQueue } = to.config.temporal
  const handle = await startBackfill(to.client, { dagId, from: first, to: last, taskQueue })
  const done = handle.result()
  await watchDays({ database: to.database, dagId, dates: days, done })
  await done.catch((error: unknown) => {
    // Which days failed is in the audit tables.
    if (!(error instanceof WorkflowFailedError)) throw error
  })
}
