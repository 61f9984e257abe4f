import type { Graph, TaskKind, TaskNode } from './graph.ts'
import { groupsOf } from './groups.ts'
import { describeTask } from './describe-task.ts'
import type { TaskState, TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

const shapes: Record<TaskKind, readonly [open: string, close: string]> = {
  task: ['[', ']'],
  branch: ['{', '}'],
  short_circuit: ['{{', '}}'],
  latest_only: ['{{', '}}'],
  sensor: ['([', '])'],
  approval: ['[/', '/]'],
  mapped: ['[[', ']]'],
  dag_run: ['(', ')'],
}

const colours: Record<TaskState, string> = {
  none: 'fill:#f5f5f5,stroke:#999,color:#333',
  queued: 'fill:#e0e0e0,stroke:#757575,color:#111',
  running: 'fill:#d7f5d0,stroke:#32cd32,stroke-width:3px,color:#111',
  up_for_retry: 'fill:#fff3c4,stroke:#c99700,stroke-dasharray:4,color:#111',
  restarting: 'fill:#ead1f5,stroke:#8e44ad,color:#111',
  success: 'fill:#2e7d32,stroke:#1b5e20,color:#fff',
  failed: 'fill:#c62828,stroke:#7f0000,color:#fff',
  skipped: 'fill:#fce4ec,stroke:#d81b60,stroke-dasharray:4,color:#111',
  upstream_failed: 'fill:#ff9800,stroke:#b26a00,color:#111',
  cancelled: 'fill:#8d6e63,stroke:#4e342e,color:#fff',
}

/** A Mermaid flowchart of a graph; with states, as a run left it. */
export function renderMermaid(graph: Graph, states?: TaskStates): string {
  const edges = graph.tasks.flatMap((task) =>
    task.upstream.map((id) => renderEdge(graph, id, task.id, states)),
  )
  return [
    'flowchart LR',
    ...renderNodes(graph.tasks, 0),
    ...edges,
    ...(states === undefined ? [] : renderStates(graph, states)),
  ].join('\n')
}

/** Prefixed: a bare `end` or `graph` is a word of Mermaid's own. */
function nodeId(taskId: string): string {
  return `t_${taskId.replaceAll('.', '-')}`
}

/** Tasks in the order of the graph, those of a group together where its first one stands. */
function renderNodes(tasks: readonly TaskNode[], depth: number): string[] {
  const indent = '  '.repeat(depth)
  const groupOf = (task: TaskNode) => groupsOf(task.id)[depth]
  const first = new Map<string, TaskNode>()
  for (const task of tasks.toReversed()) first.set(groupOf(task) ?? task.id, task)
  return tasks.flatMap((task) => {
    const group = groupOf(task)
    if (group === undefined) return [`${indent}${renderNode(task)}`]
    if (first.get(group) !== task) return []
    const members = tasks.filter((other) => groupOf(other) === group)
    return [
      `${indent}  subgraph g_${group.replaceAll('.', '-')}["${group}"]`,
      ...renderNodes(members, depth + 1),
      `${indent}  end`,
    ]
  })
}

function renderNode(task: TaskNode): string {
  const [open, close] = shapes[task.kind]
  const notes = describeTask(task)
  return `  ${nodeId(task.id)}${open}"${[task.id, ...notes].join('<br/>')}"${close}`
}

function renderEdge(graph: Graph, from: string, to: string, states: TaskStates | undefined) {
  return `  ${nodeId(from)} ${arrow(graph, from, to, states)} ${nodeId(to)}`
}

function arrow(graph: Graph, from: string, to: string, states: TaskStates | undefined): string {
  const isChoice = graph.tasks.some((task) => task.id === from && task.choices.includes(to))
  if (!isChoice) return '-->'
  const chosen = states?.[from]?.chosen
  if (chosen === undefined) return '-.->|may choose|'
  return chosen.includes(to) ? '==>|chosen|' : '-.->|not chosen|'
}

function renderStates(graph: Graph, states: TaskStates): string[] {
  const ids = graph.tasks.map((task) => task.id)
  const used = [...new Set(ids.map((id) => stateOf(states, id)))]
  return used.flatMap((state) => {
    const members = ids.filter((id) => stateOf(states, id) === state).map(nodeId)
    return [`  classDef ${state} ${colours[state]}`, `  class ${members.join(',')} ${state}`]
  })
}
