import { Context } from '@temporalio/activity'

const latest = new WeakMap<Context, unknown>()

/** Sends a heartbeat that says how far the task is, and has the regular ones repeat it. */
export function reportProgress(details: unknown): void {
  const context = Context.current()
  latest.set(context, details)
  context.heartbeat(details)
}

/** What the task has last said of its progress. */
export function progressOf(context: Context): unknown {
  return latest.get(context)
}
