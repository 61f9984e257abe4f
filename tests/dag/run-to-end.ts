import type { Graph } from '../../dag/graph.ts'
import type { RunEvent } from '../../dag/reducer.ts'
import { initialStates, reduce } from '../../dag/reducer.ts'
import type { InstanceCounts, TaskState, TaskStates, TaskStatus } from '../../dag/task-state.ts'

export type InstanceEnd = 'success' | 'failed' | 'skipped'

/** How a task ends that runs; a list is what a branch chose, `shut` lets nothing through. */
export type End =
  | InstanceEnd
  | 'shut'
  | readonly string[]
  /** Of a mapped task, one after another. */
  | { readonly instances: readonly InstanceEnd[] }

export interface Ran {
  readonly states: TaskStates
  readonly started: readonly string[]
  /** The states after every event. */
  readonly steps: readonly TaskStates[]
}

export interface Run {
  readonly graph: Graph
  /** Tasks that are not named succeed. */
  readonly ends?: Readonly<Record<string, End>>
  /** Which of the running tasks ends next; by default the one that runs longest. */
  readonly pick?: (running: readonly string[]) => string | undefined
  /** What comes from outside before the next task ends, by the number of ends before it. */
  readonly outside?: ReadonlyMap<number, (states: TaskStates) => RunEvent | undefined>
  readonly states?: TaskStates
}

/** Runs a graph until nothing runs any more. A stopped task ends like any other, when it is picked. */
export function runToEnd({ graph, ends = {}, pick = first, outside, ...rest }: Run): Ran {
  let states = rest.states ?? initialStates(graph)
  const steps: TaskStates[] = []
  const started: string[] = []
  const running: string[] = []
  const apply = (event: RunEvent) => {
    const step = reduce(graph, states, event)
    states = step.states
    steps.push(states)
    for (const { taskId } of step.starts) {
      started.push(taskId)
      running.push(taskId)
    }
  }
  apply({ type: 'run_started' })
  for (let ended = 0; ; ended++) {
    const intervention = outside?.get(ended)?.(states)
    if (intervention !== undefined) apply(intervention)
    const next = pick(running)
    if (next === undefined) return { states, started, steps }
    const isStopped = states[next]?.then !== undefined
    const event = isStopped
      ? ({ type: 'task_cancelled', taskId: next } as const)
      : eventOf(next, ends[next] ?? 'success', states)
    if (event.type !== 'task_progressed') running.splice(running.indexOf(next), 1)
    apply(event)
  }
}

function first(running: readonly string[]): string | undefined {
  return running[0]
}

function eventOf(taskId: string, end: End, states: TaskStates): RunEvent {
  if (typeof end === 'object' && 'instances' in end) {
    return nextInstance(taskId, end.instances, states[taskId]?.instances)
  }
  switch (end) {
    case 'success':
      return { type: 'task_succeeded', taskId }
    case 'shut':
      return { type: 'task_succeeded', taskId, isShut: true }
    case 'failed':
      return { type: 'task_failed', taskId, reason: 'it broke' }
    case 'skipped':
      return { type: 'task_skipped', taskId, reason: 'nothing to do' }
    default:
      return { type: 'task_succeeded', taskId, chosen: end }
  }
}

function nextInstance(
  taskId: string,
  ends: readonly InstanceEnd[],
  before: InstanceCounts | undefined,
): RunEvent {
  const ended = before === undefined ? 1 : ends.length - before.unfinished + 1
  const count = (end: InstanceEnd) => ends.slice(0, ended).filter((one) => one === end).length
  const [success, failed, skipped] = [count('success'), count('failed'), count('skipped')]
  const instances = { success, failed, skipped, unfinished: Math.max(ends.length - ended, 0) }
  if (instances.unfinished > 0) return { type: 'task_progressed', taskId, instances }
  if (failed > 0) return { type: 'task_failed', taskId, reason: 'instances failed', instances }
  if (success > 0) return { type: 'task_succeeded', taskId, instances }
  return { type: 'task_skipped', taskId, reason: 'all instances were skipped' }
}

export function stateNames(states: TaskStates): Record<string, TaskState> {
  return Object.fromEntries(Object.entries(states).map(([id, { state }]) => [id, state]))
}

const letters = {
  S: 'success',
  F: 'failed',
  K: 'skipped',
  U: 'upstream_failed',
  C: 'cancelled',
  '·': 'running',
  '-': 'none',
} as const satisfies Record<string, TaskState>

/** States from the letters of the tables: `{ a: 'S', b: 'F' }`. */
export function statesOf(names: Readonly<Record<string, keyof typeof letters>>): TaskStates {
  const entries = Object.entries(names).map(([id, letter]): [string, TaskStatus] => [
    id,
    { state: letters[letter], reason: 'given' },
  ])
  return Object.fromEntries(entries)
}
