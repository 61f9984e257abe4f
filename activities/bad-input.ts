import { ApplicationFailure } from '@temporalio/activity'
import { failureTypes } from '../domain/failures.ts'

/** For what was asked for and makes no sense, in words with the remedy; never retried. */
export function badInput(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, failureTypes.badInput)
}
