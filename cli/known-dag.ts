import { dagIds } from '../schedules/schedules.ts'
import { UsageError } from './exit-codes.ts'

/** Temporal takes any name and then waits for a worker that knows it. */
export function assertKnownDag(dagId: string): void {
  if (!dagIds.includes(dagId)) throw unknownDag(dagId)
}

export function unknownDag(dagId: string): UsageError {
  return new UsageError(`error: there is no DAG ${dagId}; there are ${dagIds.join(', ')}`)
}
