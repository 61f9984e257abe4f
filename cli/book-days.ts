import { WorkflowFailedError } from '@temporalio/client'
import { startBackfill } from '../schedules/start-backfill.ts'
import type { Daybook } from './start-daybook.ts'
import { watchDays } from './watch-days.ts'

/** Backfills the range of these days and shows how far it is. A failed day does not throw. */
export async function bookDays(to: Daybook, dagId: string, days: string[]): Promise<void> {
  // A question still open when the connection closes would end the whole process.
  const done = to.client.connection.withAbortSignal(to.signal, () => runDays(to, dagId, days))
  await watchDays({ database: to.database, dagId, dates: days, done })
  await done
  to.signal.throwIfAborted()
}

async function runDays({ client, config }: Daybook, dagId: string, days: string[]): Promise<void> {
  const [from, to] = [days[0], days.at(-1)]
  if (from === undefined || to === undefined) return
  const { taskQueue } = config.temporal
  const handle = await startBackfill(client, { dagId, from, to, taskQueue })
  await handle.result().catch((error: unknown) => {
    // Which days failed is in the audit tables.
    if (!(error instanceof WorkflowFailedError)) throw error
  })
  // A backfill from before a restart may still be running some of them.
  const runs = days.map((day) => client.workflow.getHandle(`${dagId}/${day}`).result())
  await Promise.allSettled(runs)
}
