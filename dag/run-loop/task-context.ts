import type { DatasetEvent } from '../datasets.ts'
import type { RunEvent } from '../reducer.ts'
import type { RunValues } from '../resolve-input.ts'
import type { TaskStates } from '../task-state.ts'
import type { Approvals } from './approvals.ts'
import type { Limits } from './limits.ts'
import type { PageListeners } from './page-progress.ts'
import type { Turns } from './turns.ts'

export interface TaskContext {
  readonly date: string
  readonly params: unknown
  readonly events?: readonly DatasetEvent[] | undefined
  readonly outputs: Map<string, unknown>
  /** Mapped tasks whose outputs together are more than can be handed on. */
  readonly tooLarge: Set<string>
  readonly latestUntilMs: number | null
  readonly approvals: Approvals
  readonly limits: Limits
  readonly turns: Turns
  readonly pages: PageListeners
  readonly states: () => TaskStates
  readonly report: (event: RunEvent) => void
}

/** What a task returned that was cleared since, or is no longer chosen, is not handed on. */
export function valuesNow({ date, params, events, outputs, states }: TaskContext): RunValues {
  const now = states()
  return {
    date,
    params,
    events,
    outputs: new Map([...outputs].filter(([id]) => now[id]?.state === 'success')),
  }
}
