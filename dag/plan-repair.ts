import type { Graph } from './graph.ts'
import { withDownstream } from './graph.ts'
import type { ClearedTask, ClearRequest, Problem } from './plan-clear.ts'
import { clearedStates, nothingToClear, planClear } from './plan-clear.ts'
import type { MarkSelection, Signature } from './plan-mark.ts'
import { planMark } from './plan-mark.ts'
import { withUnknownOutputs } from './unknown-outputs.ts'
import type { TaskStates, TaskStatus } from './task-state.ts'
import { stateOf } from './task-state.ts'

/** How a run that has ended goes on. */
export interface RepairPlan {
  readonly graph: Graph
  /** What runs again, or for the first time, with the state it has had. */
  readonly tasks: readonly ClearedTask[]
  /** What a mark sets, with the state it has had. */
  readonly marked?: readonly ClearedTask[]
  /** The states that the new execution begins with. */
  readonly states: TaskStates
}

export interface EndedGraph {
  readonly graph: Graph
  readonly states: TaskStates
  /** Tasks that have succeeded, but what they returned is not on record: the run never came to its end. */
  readonly unknownOutputs?: readonly string[]
}

/** What a clear or a mark makes of a run that has ended. `latest` is the graph of the code. */
export function planRepair(
  ended: EndedGraph,
  latest: Graph,
  request: ClearRequest,
): RepairPlan | Problem {
  const plan = planFromRecord(ended, latest, request)
  if ('problem' in plan || ended.unknownOutputs === undefined) return plan
  return withUnknownOutputs(plan, ended.states, ended.unknownOutputs)
}

function planFromRecord(
  { graph: recorded, states }: EndedGraph,
  latest: Graph,
  request: ClearRequest,
): RepairPlan | Problem {
  const { mark, graph: wanted = 'recorded', downstream } = request
  if (mark !== undefined) {
    const selection = { ...request, state: mark, downstream: downstream ?? false }
    return markEnded(recorded, states, selection)
  }
  const graph = wanted === 'recorded' ? recorded : latest
  const added = addedTasks(graph, states)
  if (wanted === 'new_tasks') return planNewTasks(graph, states, added)
  if (request.onlyRunning) return { problem: 'it has ended: none of its tasks is running' }
  const unfinished = unfinishedTasks(graph, states)
  const plan = planClear(graph, states, { ...request, downstream: downstream ?? true })
  const others = [...added, ...unfinished]
  const isEmpty = 'problem' in plan && plan.problem === nothingToClear
  if ('problem' in plan && (!isEmpty || others.length === 0)) return plan
  const cleared = 'problem' in plan ? [] : plan.tasks
  const byId = new Map([...others, ...cleared].map((task) => [task.taskId, task]))
  const tasks = graph.tasks.flatMap(({ id }) => byId.get(id) ?? [])
  return { graph, tasks, states: clearedStates(graph, states, cleared) }
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
): RepairPlan | Problem {
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

/** What was cut off by the end of the run goes on, whatever is marked. */
function markEnded(
  graph: Graph,
  states: TaskStates,
  selection: MarkSelection & Signature,
): RepairPlan | Problem {
  const plan = planMark(graph, clearedStates(graph, states, []), selection)
  if ('problem' in plan) return plan
  const reasons = new Map(
    [...addedTasks(graph, states), ...unfinishedTasks(graph, states)].map((task) => [
      task.taskId,
      task.why,
    ]),
  )
  const why = `downstream of ${selection.tasks.join(', ')}`
  const tasks = plan.waiting.map((taskId) => ({
    ...{ taskId, state: stateOf(states, taskId), why: reasons.get(taskId) ?? why },
  }))
  const marked = plan.marked.map((task) => ({ ...task, state: stateOf(states, task.taskId) }))
  return { graph, marked, tasks, states: withWaiting(plan.states, plan.waiting) }
}

function withWaiting(states: TaskStates, taskIds: readonly string[]): TaskStates {
  const waiting: TaskStatus = { state: 'none', reason: 'a task before it was marked' }
  const entries = taskIds.map((id) => [id, waiting] as const)
  return { ...states, ...Object.fromEntries(entries) }
}
