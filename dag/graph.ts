/** Airflow's trigger rules: which states of the direct upstream tasks let a task start. */
export const triggerRules = [
  'all_success',
  'all_failed',
  'all_done',
  'all_done_min_one_success',
  'all_done_setup_success',
  'one_success',
  'one_failed',
  'one_done',
  'none_failed',
  'none_failed_min_one_success',
  'none_skipped',
  'all_skipped',
  'always',
] as const

export type TriggerRule = (typeof triggerRules)[number]

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Where a value of a task's input comes from; resolved when the task starts. */
export type InputSource =
  | { readonly from: 'literal'; readonly value: Json }
  | { readonly from: 'date' }
  | { readonly from: 'params'; readonly path: readonly string[] }
  | { readonly from: 'output'; readonly task: string; readonly path: readonly string[] }
  | { readonly from: 'object'; readonly fields: { readonly [key: string]: InputSource } }
  | { readonly from: 'list'; readonly items: readonly InputSource[] }

export interface TaskNode {
  readonly id: string
  readonly kind: 'task' | 'branch'
  /** Name of the activity that does the work. */
  readonly activity: string
  readonly input: InputSource
  /** Direct upstream tasks, in the order of the graph. */
  readonly upstream: readonly string[]
  readonly rule: TriggerRule
  readonly retries: number
  readonly retryDelayMs: number
  /** Each delay is the one before times this. */
  readonly retryBackoff: number
  readonly maxRetryDelayMs: number | null
  /** Limit of one attempt. */
  readonly timeoutMs: number
  readonly heartbeatTimeoutMs: number | null
  /** A branch's direct downstream tasks, of which it chooses; empty for a task. */
  readonly choices: readonly string[]
}

/** A DAG as pure data. A run records it when it starts and interprets that record from then on. */
export interface Graph {
  readonly dagId: string
  /** Upstream tasks come before those that wait for them; decisions are taken in this order. */
  readonly tasks: readonly TaskNode[]
  /** Activity that is told of a failed run. */
  readonly onFailure: string | null
}

export function taskOf(graph: Graph, taskId: string): TaskNode {
  const task = graph.tasks.find((candidate) => candidate.id === taskId)
  if (!task) throw new Error(`The graph of ${graph.dagId} has no task ${taskId}`)
  return task
}

/** Ids of the tasks that name this one as upstream, in the order of the graph. */
export function directDownstream(graph: Graph, taskId: string): string[] {
  return graph.tasks.filter((task) => task.upstream.includes(taskId)).map((task) => task.id)
}

/** The given tasks and all that wait for them, directly or not. */
export function withDownstream(graph: Graph, taskIds: readonly string[]): Set<string> {
  const reached = new Set(taskIds)
  for (const task of graph.tasks) {
    if (task.upstream.some((id) => reached.has(id))) reached.add(task.id)
  }
  return reached
}
