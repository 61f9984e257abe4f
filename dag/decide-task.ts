import { gatesOf } from './gates.ts'
import type { Graph, TaskNode } from './graph.ts'
import { taskOf, withDownstream } from './graph.ts'
import { scopesOf } from './setups.ts'
import type { TaskState, TaskStates, TaskStatus } from './task-state.ts'
import { stateOf } from './task-state.ts'
import type { Decision, UpstreamCounts } from './trigger-rules.ts'
import { decide } from './trigger-rules.ts'

export interface Decided {
  readonly decision: Decision
  readonly reason: string
  /** The tasks that led to a skip or an upstream_failed. */
  readonly because: readonly string[]
}

/**
 * What becomes of a task that has not started: what keeps it out from outside, its set-ups, then its
 * rule. The end never depends on the order in which others end, but for what starts at once (`always`).
 */
export function decideTask(graph: Graph, states: TaskStates, task: TaskNode): Decided {
  return (
    decideByGates(graph, states, task) ??
    decideBySetups(graph, states, task) ??
    (task.rule === 'all_done_setup_success'
      ? decideByOwnSetups(graph, states, task)
      : decideByRule(states, task))
  )
}

/**
 * A branch that did not choose it, or a short circuit before it that lets nothing through, skips it.
 * Until those have decided it waits: a rule with an early answer would else win or lose by chance.
 */
function decideByGates(graph: Graph, states: TaskStates, task: TaskNode): Decided | undefined {
  const gates = gatesOf(graph).get(task.id) ?? []
  const closed = gates.find((gate) => closesOff(graph, gate, states[gate.id], task))
  if (closed !== undefined) {
    const { isShut, chosen = [] } = states[closed.id] ?? {}
    const words = isShut ? 'let nothing through' : `chose ${listed(chosen)}`
    return { decision: 'skip', reason: `${closed.id} ${words}`, because: [closed.id] }
  }
  const undecided = gates.map((gate) => gate.id).filter((id) => !hasEnded(states, id))
  if (undecided.length === 0 || task.rule === 'always') return undefined
  const reason = `${listed(undecided)} may still skip it; ${explainUpstream(task, states)}`
  return { decision: 'wait', reason, because: [] }
}

function closesOff(
  graph: Graph,
  gate: TaskNode,
  status: TaskStatus | undefined,
  task: TaskNode,
): boolean {
  if (status?.isShut) return true
  if (status?.chosen === undefined) return false
  // A choice that leads to another one keeps that one: the join behind both is not skipped.
  return !withDownstream(graph, status.chosen).has(task.id)
}

function listed(ids: readonly string[]): string {
  return ids.length === 0 ? 'nothing' : ids.join(', ')
}

/** Set-ups that a task is behind without naming them come first, whatever its rule but `always`. */
function decideBySetups(graph: Graph, states: TaskStates, task: TaskNode): Decided | undefined {
  const setups = scopesOf(graph).get(task.id)?.setups ?? []
  if (setups.length === 0 || task.rule === 'always') return undefined
  const inState = (...wanted: TaskState[]) =>
    setups.filter((id) => wanted.includes(stateOf(states, id)))
  const failed = inState('failed', 'upstream_failed')
  if (failed.length > 0) {
    return {
      decision: 'upstream_failed',
      reason: `set-up ${listed(failed)} failed`,
      because: failed,
    }
  }
  const unfinished = setups.filter((id) => !['success', 'skipped'].includes(stateOf(states, id)))
  if (unfinished.length > 0) {
    const reason = `set-up ${listed(unfinished)} has not succeeded yet`
    return { decision: 'wait', reason, because: [] }
  }
  const skipped = inState('skipped')
  if (skipped.length === 0) return undefined
  return { decision: 'skip', reason: `set-up ${listed(skipped)} was skipped`, because: skipped }
}

/** The rule of teardowns: one runs if any of its set-ups succeeded, when all between them has ended. */
function decideByOwnSetups(graph: Graph, states: TaskStates, task: TaskNode): Decided {
  const between = scopesOf(graph).get(task.id)?.between ?? []
  const awaited = between.filter((id) => !hasEnded(states, id))
  const upstream = explainUpstream(task, states)
  const reason =
    awaited.length === 0 ? upstream : `${upstream}; ${listed(awaited)} in between not ended`
  if (awaited.length > 0 || task.upstream.some((id) => !hasEnded(states, id))) {
    return { decision: 'wait', reason, because: [] }
  }
  const setups = task.upstream.filter((id) => taskOf(graph, id).isSetup)
  const ended = setups.map((id) => stateOf(states, id))
  // Without set-ups all need only have ended, in a cancelled run too.
  if (setups.length === 0 || ended.includes('success')) {
    return { decision: 'run', reason, because: [] }
  }
  const decision = ended.every((state) => state === 'skipped') ? 'skip' : 'upstream_failed'
  return { decision, reason, because: setups.filter((id) => stateOf(states, id) !== 'success') }
}

function hasEnded(states: TaskStates, taskId: string): boolean {
  return !['none', 'queued', 'running', 'restarting'].includes(stateOf(states, taskId))
}

function decideByRule(states: TaskStates, task: TaskNode): Decided {
  const decision = decide(task.rule, countUpstream(task, states))
  const reason = explainUpstream(task, states)
  return { decision, reason, because: causesOf(decision, task, states) }
}

function countUpstream(task: TaskNode, states: TaskStates): UpstreamCounts {
  const counts = { success: 0, failed: 0, skipped: 0, upstreamFailed: 0, unfinished: 0 }
  for (const id of task.upstream) {
    const { instances } = states[id] ?? {}
    if (instances === undefined) counts[countedAs[stateOf(states, id)]] += 1
    // A mapped upstream counts once an instance.
    else for (const state of instanceStates) counts[state] += instances[state]
  }
  return counts
}

const instanceStates = ['success', 'failed', 'skipped', 'unfinished'] as const

const countedAs = {
  none: 'unfinished',
  queued: 'unfinished',
  running: 'unfinished',
  up_for_retry: 'unfinished',
  restarting: 'unfinished',
  cancelled: 'unfinished',
  success: 'success',
  failed: 'failed',
  skipped: 'skipped',
  upstream_failed: 'upstreamFailed',
} as const satisfies Record<TaskState, keyof UpstreamCounts>

/** The upstream tasks in the first of these states that any is in. */
function causesOf(decision: Decision, task: TaskNode, states: TaskStates): string[] {
  if (decision !== 'skip' && decision !== 'upstream_failed') return []
  for (const state of causingStates[decision]) {
    if (task.rule === 'all_skipped' && state === 'skipped') continue
    const causes = task.upstream.filter((id) => isOrHas(states[id], state))
    if (causes.length > 0) return causes
  }
  return []
}

/** A mapped upstream can lead to it before all its instances have ended. */
function isOrHas(status: TaskStatus | undefined, state: CausingState): boolean {
  if (status?.instances === undefined) return status?.state === state
  return state !== 'upstream_failed' && status.instances[state] > 0
}

type CausingState = (typeof causingStates)[keyof typeof causingStates][number]

const causingStates = {
  skip: ['skipped', 'success', 'failed', 'upstream_failed'],
  upstream_failed: ['failed', 'upstream_failed', 'skipped'],
} as const

/** The rule and the states it looks at: `all_success: extract_orders success, extract_events running`. */
export function explainUpstream(task: TaskNode, states: TaskStates): string {
  if (task.upstream.length === 0) return 'it waits for no other task'
  const upstream = task.upstream.map((id) => `${id} ${inWords(stateOf(states, id))}`)
  return `${task.rule}: ${upstream.join(', ')}`
}

function inWords(state: TaskState): string {
  return state === 'none' ? 'not started' : state
}
