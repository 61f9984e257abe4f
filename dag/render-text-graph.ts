import { describeTask } from './describe-task.ts'
import type { Graph, TaskNode } from './graph.ts'
import { taskOf } from './graph.ts'
import type { TaskState, TaskStates } from './task-state.ts'
import { stateOf } from './task-state.ts'

const marks: Record<TaskState, string> = {
  none: ' ',
  queued: 'q',
  running: '>',
  up_for_retry: '~',
  restarting: 'r',
  success: '+',
  failed: 'X',
  skipped: '-',
  upstream_failed: '!',
  cancelled: 'c',
}

export interface TextGraphOptions {
  readonly states?: TaskStates
  /** Columns that a line may take. */
  readonly width: number
}

/**
 * A graph as text: a task a line, by levels (a task is one level after the last of its upstream
 * tasks), each with its edges: the tasks it waits for. With states, each with a mark.
 */
export function renderTextGraph(graph: Graph, { states, width }: TextGraphOptions): string {
  const levels = levelsOf(graph)
  const idWidth = Math.max(...graph.tasks.map(({ id }) => id.length))
  const blocks = levels.map((tasks, index) =>
    tasks.flatMap((task, row) => {
      const number = row === 0 ? String(index + 1) : ''
      const mark = states === undefined ? '' : `${marks[stateOf(states, task.id)]} `
      const head = `${number.padStart(3)} ${bracket(row, tasks.length)} ${mark}`
      const words = [...notes(task), ...edges(graph, task, states)]
      return wrap(`${head}${task.id.padEnd(idWidth)}  `, words, width)
    }),
  )
  return [...blocks.flat(), ...(states === undefined ? [] : ['', legend(graph, states)])].join('\n')
}

/** The tasks of each level, in the order of the graph. */
export function levelsOf(graph: Graph): TaskNode[][] {
  const levelOf = new Map<string, number>()
  const levels: TaskNode[][] = []
  for (const task of graph.tasks) {
    const level = Math.max(-1, ...task.upstream.map((id) => levelOf.get(id) ?? -1)) + 1
    levelOf.set(task.id, level)
    levels[level] = [...(levels[level] ?? []), task]
  }
  return levels
}

function bracket(row: number, count: number): string {
  if (count === 1) return '─'
  if (row === 0) return '┬'
  return row === count - 1 ? '└' : '├'
}

function notes(task: TaskNode): string[] {
  const words = describeTask(task)
  return words.length === 0 ? [] : [`[${words.join(', ')}]`]
}

function edges(graph: Graph, task: TaskNode, states: TaskStates | undefined): string[] {
  return task.upstream.map((id, index) => {
    const arrow = index === 0 ? '← ' : ''
    const comma = index === task.upstream.length - 1 ? '' : ','
    return `${arrow}${id}${choiceNote(taskOf(graph, id), task.id, states)}${comma}`
  })
}

function choiceNote(branch: TaskNode, taskId: string, states: TaskStates | undefined): string {
  if (!branch.choices.includes(taskId)) return ''
  const chosen = states?.[branch.id]?.chosen
  if (chosen === undefined) return ' (if chosen)'
  return chosen.includes(taskId) ? ' (chosen)' : ' (not chosen)'
}

/** Words after a head; what does not fit goes on in the next line, under the first word. */
function wrap(head: string, words: readonly string[], width: number): string[] {
  const lines = [head]
  for (const word of words) {
    const line = lines.at(-1) ?? ''
    const isFresh = line === head
    const joined = isFresh ? `${line}${word}` : `${line} ${word}`
    if (isFresh || joined.length <= width) lines[lines.length - 1] = joined
    else lines.push(`${' '.repeat(head.length)}${word.startsWith('←') ? '' : '  '}${word}`)
  }
  return lines.map((line) => line.trimEnd())
}

function legend(graph: Graph, states: TaskStates): string {
  const used = new Set(graph.tasks.map(({ id }) => stateOf(states, id)))
  const counts = [...used].map((state) => {
    const count = graph.tasks.filter(({ id }) => stateOf(states, id) === state).length
    const words = state === 'none' ? 'not started' : state
    return state === 'none' ? `${count} ${words}` : `${marks[state]} ${count} ${words}`
  })
  return counts.join('   ')
}
