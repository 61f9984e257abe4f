import { defineQuery, setHandler } from '@temporalio/workflow'
import { explain } from '../explain.ts'
import type { TaskStates } from '../task-state.ts'
import type { RunControls } from './run-graph.ts'

/** All tasks with state and reason. */
export const stateQuery = defineQuery<TaskStates>('state')
/** Why a task is in its state, or what it waits for. */
export const whyQuery = defineQuery<string, [taskId: string]>('why')

/** What people may ask an execution, from its first moment on. */
export interface Questions {
  connect(run: RunControls): void
  /** Why there is no run yet, in words. */
  answerWith(words: string): void
}

export function acceptQuestions(): Questions {
  let run: RunControls | undefined
  let words = 'the run is starting'
  setHandler(stateQuery, () => run?.states() ?? {}, {
    description: 'All tasks with their states and reasons',
  })
  setHandler(
    whyQuery,
    (taskId) => (run === undefined ? words : explain(run.graph, run.states(), taskId)),
    { description: 'Why a task is in its state; takes the task id' },
  )
  return {
    connect: (connected) => (run = connected),
    answerWith: (answer) => (words = answer),
  }
}
