import type { Context } from '@temporalio/activity'
import { progressOf } from '../activities/progress.ts'

/** Well below the heartbeat time-out of any task. */
const heartbeatEveryMs = 2_000

/** Sends heartbeats for as long as the work takes, also while it waits for a server that says nothing. */
export async function withHeartbeats<T>(context: Context, work: () => Promise<T>): Promise<T> {
  const heartbeat = setInterval(() => {
    context.heartbeat(progressOf(context))
  }, heartbeatEveryMs)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
  }
}
