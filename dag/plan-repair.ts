import type { Graph } from './graph.ts'
import { withDownstream } from './graph.ts'
import type { ClearedTask, ClearRequest } from './plan-clear.ts'
import { clearedStates, planClear } from './plan-clear.ts'
import { reduce } from './reducer.ts'
import type { TaskStates, TaskStatus } from './task-state.ts'
import { stateOf } from './task-state.ts'

/** How a run that has ended goes on. */
export interface RepairPlan {
  readonly graph: Graph
  /** What runs again, or for the first time, with the state it has had. */
  readonly tasks: readonly ClearedTask[]
  /** The states that the new execution begins with. */
  readonly states: TaskStates
}

export interface EndedGraph {
  readonly graph: Graph
  readonly states: TaskStates
}

/** What a clear or a mark makes of a run that has ended. `latest` is the graph of the code. */
export function planRepair(
  ended: EndedGraph,
  latest: Graph,
  request: ClearRequest,
): RepairPlan | { problem: string } {
  const graph = request.graph === 'recorded' ? ended.graph : latest
  if (request.mark !== undefined) return planMark(graph, ended.states, request, request.mark)
  const added = addedTasks(graph, ended.states)
  if (request.graph === 'new_tasks') return planNewTasks(graph, ended.states, added)
  const unfinished = unfinishedTasks(graph, ended.states)
  const plan = planClear(graph, ended.states, request)
  const isKnown = unknownTasks(graph, request.tasks).length === 0
  const others = [...added, ...unfinished]
  if ('problem' in plan && (!isKnown || others.length === 0)) return plan
  const cleared = 'problem' in plan ? [] : plan.tasks
  const byId = new Map([...others, ...cleared].map((task) => [task.taskId, task]))
  const tasks = graph.tasks.flatMap(({ id }) => byId.get(id) ?? [])
  return { graph, tasks, states: clearedStates(graph, ended.states, cleared) }
}

/** Tasks that are not run again though something before them is: their input may change. */
export function leftAsTheyAre(
  graph: Graph,
  states: TaskStates,
  again: readonly ClearedTask[],
): ClearedTask[] {
  const ids = again.map((task) => task.taskId)
  const after = withDownstream(graph, ids)
  return graph.tasks.flatMap(({ id, upstream }) => {
    const state = stateOf(states, id)
    if (!after.has(id) || ids.includes(id) || state === 'none') return []
    const because = upstream.filter((one) => after.has(one)).join(', ')
    return [{ taskId: id, state, why: `downstream of ${because}` }]
  })
}

function addedTasks(graph: Graph, states: TaskStates): ClearedTask[] {
  return graph.tasks
    .filter(({ id }) => states[id] === undefined)
    .map(({ id }) => ({ taskId: id, state: 'none', why: 'the run did not have it' }))
}

function unfinishedTasks(graph: Graph, states: TaskStates): ClearedTask[] {
  const resumed = clearedStates(graph, states, [])
  return graph.tasks
    .filter(({ id }) => states[id] !== undefined && stateOf(resumed, id) === 'none')
    .map(({ id }) => ({ taskId: id, state: stateOf(states, id), why: 'it did not come to an end' }))
}

function planNewTasks(
  graph: Graph,
  states: TaskStates,
  added: ClearedTask[],
): RepairPlan | { problem: string } {
  if (added.length === 0) {
    return { problem: `the run has all tasks that ${graph.dagId} has in the code` }
  }
  // Also what was cancelled stays as it is.
  const untouched = graph.tasks.flatMap(({ id }) => {
    const status = states[id]
    return status === undefined ? [] : [[id, status] as const]
  })
  const waiting = clearedStates(graph, {}, [])
  return { graph, tasks: added, states: { ...waiting, ...Object.fromEntries(untouched) } }
}

function planMark(
  graph: Graph,
  states: TaskStates,
  { tasks, by, reason }: ClearRequest,
  mark: NonNullable<ClearRequest['mark']>,
): RepairPlan | { problem: string } {
  if (tasks.length === 0) return { problem: 'say which tasks' }
  const unknown = unknownTasks(graph, tasks)
  if (unknown.length > 0) {
    const known = graph.tasks.map(({ id }) => id).join(', ')
    return { problem: `${graph.dagId} has no task ${unknown.join(', ')}; it has ${known}` }
  }
  const taskIds = tasks
  const words = `marked by ${by}${reason === '' ? '' : `: ${reason}`}`
  const event = { type: 'tasks_marked', taskIds, state: mark, reason: words } as const
  const step = reduce(graph, clearedStates(graph, states, []), event)
  // The new execution starts them itself.
  const starts = new Set(step.starts.map(({ taskId }) => taskId))
  const isWaiting = (id: string) => starts.has(id) || stateOf(step.states, id) === 'none'
  const waiting = graph.tasks.map(({ id }) => id).filter(isWaiting)
  const why = `downstream of ${tasks.join(', ')}`
  const reasons = new Map(
    [...addedTasks(graph, states), ...unfinishedTasks(graph, states)].map((task) => [
      task.taskId,
      task.why,
    ]),
  )
  const resumed = waiting.map((taskId) => ({
    ...{ taskId, state: stateOf(states, taskId), why: reasons.get(taskId) ?? why },
  }))
  return { graph, tasks: resumed, states: withWaiting(step.states, waiting) }
}

function withWaiting(states: TaskStates, taskIds: readonly string[]): TaskStates {
  const waiting: TaskStatus = { state: 'none', reason: 'a task before it was marked' }
  const entries = taskIds.map((id) => [id, waiting] as const)
  return { ...states, ...Object.fromEntries(entries) }
}

function unknownTasks(graph: Graph, tasks: readonly string[]): string[] {
  return tasks.filter((id) => !graph.tasks.some((task) => task.id === id))
}
