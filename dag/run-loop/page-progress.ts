import { defineSignal, getExternalWorkflowHandle, setHandler } from '@temporalio/workflow'
import type { Ending, Page } from './map-items.ts'

export type EndState = 'success' | 'failed' | 'skipped'

/** The first instance of a page that succeeded or failed, which rules may wait for. */
interface FirstEnd {
  readonly taskId: string
  /** One that was stopped since may tell late. */
  readonly cleared: number
  readonly state: EndState
}

const firstEnd = defineSignal<[FirstEnd]>('map_page_progress')

export function stateOfEnding(ending: Ending): EndState {
  if ('output' in ending) return 'success'
  return 'failed' in ending ? 'failed' : 'skipped'
}

/** Who is told of instances in pages, by the page's task. */
export type PageListeners = Map<string, (state: EndState) => void>

export function listenerKey(taskId: string, cleared: number): string {
  return `${taskId}/${cleared}`
}

export function acceptPageProgress(): PageListeners {
  const listeners: PageListeners = new Map()
  setHandler(firstEnd, ({ taskId, cleared, state }) => {
    listeners.get(listenerKey(taskId, cleared))?.(state)
  })
  return listeners
}

/** Tells the run of the first success and the first failure, unless it has had one: two signals a page at most. */
export function tellFirstEnds({ task, cleared, run, told = [] }: Page): (ending: Ending) => void {
  const known = new Set<EndState>([...told, 'skipped'])
  return (ending) => {
    const state = stateOfEnding(ending)
    if (run === undefined || task.mapping?.byInstance !== true || known.has(state)) return
    known.add(state)
    const { runKey, runId } = run
    // A run that has ended in the meantime needs it no more.
    getExternalWorkflowHandle(runKey, runId)
      .signal(firstEnd, { taskId: task.id, cleared, state })
      .catch(() => undefined)
  }
}
