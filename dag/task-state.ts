import type { InstanceEnds, KeptInstances } from './instances.ts'

/**
 * `queued` waits for a slot, its past, or the end of a pause. `running` covers an attempt that waits
 * for a worker. That one waits for its next try only the server knows: a run itself says `running`, and
 * who asks both says `up_for_retry`. `restarting` was cleared while it ran. `cancelled` belongs to a run that was cancelled.
 */
export type TaskState =
  | 'none'
  | 'queued'
  | 'running'
  | 'up_for_retry'
  | 'restarting'
  | 'success'
  | 'failed'
  | 'skipped'
  | 'upstream_failed'
  | 'cancelled'

export interface TaskStatus {
  readonly state: TaskState
  /** Why it is in this state, for a person. */
  readonly reason: string
  /** The tasks that put it there; empty or absent when nothing but itself did. */
  readonly because?: readonly string[]
  /** What a branch chose; honoured also when what follows is cleared and the branch is not. */
  readonly chosen?: readonly string[]
  /** A short circuit that let nothing through. */
  readonly isShut?: true
  /** The end of the run came before it could start or end: a clear of the run lets it go on. */
  readonly isCutOff?: true
  /** How the instances of a mapped task have ended, or stand. */
  readonly instances?: InstanceCounts
  /** How each of its instances has ended, while all that they returned is on record. */
  readonly ends?: InstanceEnds
  /** What stays of them, when single ones were cleared. */
  readonly kept?: KeptInstances
  /** How often it was cleared. */
  readonly cleared?: number
  /** What becomes of it when the attempt that is being stopped has ended. */
  readonly then?: TaskStatus
}

export interface InstanceCounts {
  readonly success: number
  readonly failed: number
  readonly skipped: number
  readonly unfinished: number
}

export type TaskStates = Readonly<Record<string, TaskStatus>>

export type StatesInProgress = Record<string, TaskStatus>

const inProgress: readonly TaskState[] = ['queued', 'running', 'up_for_retry', 'restarting']

/** Whether something is being done for the task right now. */
export function isActive(status: TaskStatus | undefined): boolean {
  return status !== undefined && inProgress.includes(status.state)
}

export function stateOf(states: TaskStates, taskId: string): TaskState {
  return states[taskId]?.state ?? 'none'
}
