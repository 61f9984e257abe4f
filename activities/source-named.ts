import { ApplicationFailure } from '@temporalio/activity'
import { failureTypes } from '../domain/failures.ts'
import type { Source, Sources } from '../platform/sources.ts'

export function sourceNamed(sources: Sources, name: string): Source {
  const source = sources.get(name)
  if (source) return source
  throw ApplicationFailure.nonRetryable(
    `No source is named ${name}; known: ${[...sources.keys()].join(', ')}`,
    failureTypes.badInput,
  )
}
