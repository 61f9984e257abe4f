import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity'
import type { Client } from '@temporalio/client'
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client'
import { failureTypes } from '../domain/failures.ts'
import type { RunResult } from '../workflows/run-dag.ts'

const waitMs = 20_000
const heartbeatEveryMs = 5_000

/** Waits a while, then gives its slot on the worker back and comes again: tasks need the slots. */
export async function awaitResult(client: Client, runKey: string): Promise<RunResult> {
  const context = Context.current()
  const handle = client.workflow.getHandle<() => Promise<RunResult>>(runKey)
  const heartbeat = setInterval(() => {
    context.heartbeat()
  }, heartbeatEveryMs)
  try {
    return await client.withDeadline(Date.now() + waitMs, () =>
      client.withAbortSignal(context.cancellationSignal, () => handle.result()),
    )
  } catch (error) {
    throw asFailure(error, runKey)
  } finally {
    clearInterval(heartbeat)
  }
}

function asFailure(error: unknown, runKey: string): unknown {
  const { cancellationSignal } = Context.current()
  if (cancellationSignal.aborted) return new CancelledFailure(`No longer waiting for ${runKey}`)
  if (error instanceof WorkflowFailedError) return asRunFailure(error, runKey)
  if (error instanceof WorkflowNotFoundError) {
    return ApplicationFailure.nonRetryable(`There is no run ${runKey} to wait for`, 'RunNotFound')
  }
  const message = `${runKey} has not ended yet, or cannot be reached`
  const cause = error instanceof Error ? { cause: error } : {}
  return ApplicationFailure.create({
    message,
    type: 'RunNotEnded',
    nextRetryDelay: '1 second',
    ...cause,
  })
}

function asRunFailure(error: WorkflowFailedError, runKey: string): ApplicationFailure {
  const { cause } = error
  if (!(cause instanceof ApplicationFailure)) {
    const words = cause?.message ?? error.message
    return ApplicationFailure.nonRetryable(
      `${runKey} did not end by itself: ${words}`,
      failureTypes.dagRunFailed,
    )
  }
  return ApplicationFailure.nonRetryable(cause.message, cause.type, ...(cause.details ?? []))
}
