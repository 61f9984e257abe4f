import type { Graph } from './graph.ts'
import { taskOf } from './graph.ts'
import type { TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

/** Answers "why is this task not running", and why it is in the state it is in, back to the first cause. */
export function explain(graph: Graph, states: TaskStates, taskId: string): string {
  const status = states[taskId]
  if (!status || !Object.hasOwn(states, taskId)) {
    return `${graph.dagId} has no task ${taskId}; it has ${Object.keys(states).join(', ')}`
  }
  if (status.state === 'up_for_retry') return `${taskId} ${status.reason}`
  if (status.state === 'none') {
    const retrying = upstreamOf(graph, taskId).filter(
      (id) => stateOf(states, id) === 'up_for_retry',
    )
    const told = retrying.map((id) => `; ${id} ${states[id]?.reason ?? ''}`)
    return `${taskId} waits (${status.reason})${told.join('')}`
  }
  const [, ...causes] = causeChain(states, taskId)
  // That a branch chose another task is said already.
  const told = causes.filter((id) => stateOf(states, id) !== 'success')
  const steps = told.map((id) => `${id} is ${stateOf(states, id)} (${states[id]?.reason ?? ''})`)
  return [`${taskId} is ${status.state} (${status.reason})`, ...steps].join('; because ')
}

/** All tasks that come before it, in whatever distance. */
function upstreamOf(graph: Graph, taskId: string): string[] {
  const found = new Set<string>()
  const visit = (id: string) => {
    for (const before of taskOf(graph, id).upstream) {
      if (found.has(before)) continue
      found.add(before)
      visit(before)
    }
  }
  visit(taskId)
  return [...found]
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
