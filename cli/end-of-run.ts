import { ApplicationFailure, TerminatedFailure, WorkflowFailedError } from '@temporalio/client'
import { failureTypes } from '../domain/failures.ts'
import type { RunHandle } from '../schedules/start-run.ts'
import type { RunResult } from '../workflows/run-dag.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { failureMessage } from './failure-message.ts'
import type { Through } from './watch-days.ts'

export type EndOfRun =
  | { readonly state: 'success'; readonly result: RunResult }
  | { readonly state: 'failed'; readonly error: string; readonly isBadInput: boolean }

/** Waits for the end of a run. */
export async function endOfRun(handle: RunHandle, through: Through): Promise<EndOfRun> {
  try {
    return { state: 'success', result: await through(() => handle.result()) }
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error
    return { state: 'failed', error: inWords(handle, error), isBadInput: isBadInput(error) }
  }
}

function inWords({ workflowId }: RunHandle, error: WorkflowFailedError): string {
  if (!(error.cause instanceof TerminatedFailure)) return failureMessage(error)
  const why = `${workflowId} was terminated: ${failureMessage(error)}`
  return `${why}\n  Remedy: \`daybook clear ${workflowId}\` goes on from what is on record.`
}

function isBadInput({ cause }: WorkflowFailedError): boolean {
  return cause instanceof ApplicationFailure && cause.type === failureTypes.badInput
}

/** @throws UsageError or CommandFailed in the words of the runs that failed */
export function assertSucceeded(ends: readonly EndOfRun[]): void {
  const failed = ends.filter((end) => end.state === 'failed')
  if (failed.length === 0) return
  const message = failed.map(({ error }) => error).join('\n')
  const isUsage = failed.every((end) => end.isBadInput)
  throw isUsage ? new UsageError(message) : new CommandFailed(message)
}
