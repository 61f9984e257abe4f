import type { Graph } from './graph.ts'
import type { TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

/** Answers "why is this task not running", and why it is in the state it is in, back to the first cause. */
export function explain(graph: Graph, states: TaskStates, taskId: string): string {
  const status = states[taskId]
  if (!status || !Object.hasOwn(states, taskId)) {
    return `${graph.dagId} has no task ${taskId}; it has ${Object.keys(states).join(', ')}`
  }
  if (status.state === 'none') {
    return `${taskId} waits (${status.reason})`
  }
  const [, ...causes] = causeChain(states, taskId)
  // That a branch chose another task is said already.
  const told = causes.filter((id) => stateOf(states, id) !== 'success')
  const steps = told.map((id) => `${id} is ${stateOf(states, id)} (${states[id]?.reason ?? ''})`)
  return [`${taskId} is ${status.state} (${status.reason})`, ...steps].join('; because ')
}

/** The task, what put it into its state, what put that there, and so on to the first cause. */
export function causeChain(states: TaskStates, taskId: string): string[] {
  const chain: string[] = []
  let next: string | undefined = taskId
  // After clears in a DAG that fails fast, tasks may have led to each other's ends.
  while (next !== undefined && !chain.includes(next)) {
    chain.push(next)
    next = states[next]?.because?.[0]
  }
  return chain
}
