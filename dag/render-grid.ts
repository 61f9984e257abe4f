import type { Graph } from './graph.ts'
import type { TaskStates } from './task-state.ts'

const maxReasonLength = 80

/** The tasks and their states for the Web UI: a fenced grid, which every version of it shows well. */
export function renderGrid(graph: Graph, states: TaskStates): string {
  const width = Math.max(...graph.tasks.map((task) => task.id.length))
  const lines = graph.tasks.map(({ id }) => {
    const { state = 'none', reason = '' } = states[id] ?? {}
    const words = state === 'none' ? 'waiting' : state
    return `${id.padEnd(width)}  ${words.padEnd(15)}  ${shorten(reason)}`.trimEnd()
  })
  return ['```', ...lines, '```'].join('\n')
}

function shorten(text: string): string {
  const [line = ''] = text.split('\n')
  return line.length > maxReasonLength ? `${line.slice(0, maxReasonLength - 1)}…` : line
}
