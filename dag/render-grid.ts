import type { Graph, TaskNode } from './graph.ts'
import type { TaskState, TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

const maxReasonLength = 80

/** The Web UI hands these words to its server in an address: longer ones would not get there. */
const mostLines = 60
const worthNaming: readonly TaskState[] = ['failed', 'running', 'queued', 'restarting']

/**
 * The tasks and their states for the Web UI: a fenced grid, which every version of it shows well. Of
 * a large graph the counts, and the tasks that a person looks for.
 */
export function renderGrid(graph: Graph, states: TaskStates): string {
  if (graph.tasks.length <= mostLines) return fenced(linesOf(graph.tasks, states))
  const counts = new Map<TaskState, number>()
  for (const { id } of graph.tasks) {
    const state = stateOf(states, id)
    counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  const summary = [...counts].map(([state, count]) => `${count} ${inWords(state)}`).join(', ')
  const named = worthNaming.flatMap((state) =>
    counts.has(state) ? graph.tasks.filter(({ id }) => stateOf(states, id) === state) : [],
  )
  return fenced([summary, ...linesOf(named.slice(0, mostLines / 3), states)])
}

function linesOf(tasks: readonly TaskNode[], states: TaskStates): string[] {
  const width = Math.max(...tasks.map((task) => task.id.length))
  return tasks.map(({ id }) => {
    const reason = shorten(states[id]?.reason ?? '')
    return `${id.padEnd(width)}  ${inWords(stateOf(states, id)).padEnd(15)}  ${reason}`.trimEnd()
  })
}

function fenced(lines: readonly string[]): string {
  return ['```', ...lines, '```'].join('\n')
}

function inWords(state: TaskState): string {
  return state === 'none' ? 'waiting' : state
}

function shorten(text: string): string {
  const [line = ''] = text.split('\n')
  return line.length > maxReasonLength ? `${line.slice(0, maxReasonLength - 1)}…` : line
}
