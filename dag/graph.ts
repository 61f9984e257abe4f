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
  /** The dataset events that the run consumes. */
  | { readonly from: 'events' }
  | { readonly from: 'params'; readonly path: readonly string[] }
  | { readonly from: 'output'; readonly task: string; readonly path: readonly string[] }
  /** Of a mapped task: the item that an instance is for. */
  | { readonly from: 'item'; readonly path: readonly string[] }
  | { readonly from: 'object'; readonly fields: { readonly [key: string]: InputSource } }
  | { readonly from: 'list'; readonly items: readonly InputSource[] }

/**
 * `branch` chooses among its direct downstream tasks; `short_circuit` lets what follows run or not;
 * `latest_only` does so by the clock; `sensor` is asked again until it says yes; `approval` waits for
 * a person; `mapped` runs once for each item of a list that is known only at run time; `dag_run` is the
 * run of another DAG for the same date.
 */
export type TaskKind =
  'task' | 'branch' | 'short_circuit' | 'latest_only' | 'sensor' | 'approval' | 'mapped' | 'dag_run'

/** What is absent has its default, so that graphs recorded before it was known stay valid. */
export interface TaskNode {
  readonly id: string
  readonly kind: TaskKind
  /** Name of the activity that does the work; null where the run itself does it. */
  readonly activity: string | null
  readonly input: InputSource
  /** Direct upstream tasks, in the order of the graph. */
  readonly upstream: readonly string[]
  readonly rule: TriggerRule
  readonly retries: number
  readonly retryDelayMs: number
  /** Each delay is the one before times this. */
  readonly retryBackoff: number
  readonly maxRetryDelayMs: number | null
  /** Whether the factor makes Airflow's back-off: whole seconds, with jitter. */
  readonly retryJitter?: true
  /** Limit of one attempt. */
  readonly timeoutMs: number
  readonly heartbeatTimeoutMs: number | null
  /** A branch's direct downstream tasks, of which it chooses; empty for all others. */
  readonly choices: readonly string[]
  /** What a short circuit, a latest-only or a rejected approval skips; all that follows if absent. */
  readonly skips?: 'all_downstream' | 'direct_downstream'
  /** Of an approval: a rejection fails it, instead of skipping what comes after. */
  readonly failsOnReject?: true
  readonly isSetup?: true
  readonly teardown?: Teardown
  readonly wait?: Wait
  readonly mapping?: Mapping
  readonly pool?: PoolUse
  /** How many may go on at once over all runs of the DAG, and the pool that counts them. */
  readonly maxActive?: { readonly pool: string; readonly most: number }
  readonly past?: Past
  /** Activities that are told when it has ended so by itself. */
  readonly callbacks?: Callbacks
  /**
   * What the limits of its run and its pool count of it: each of its `instances`; its `work` alone, not
   * the wait for its past; `nothing` of a sensor or an approval in its run. Absent: the whole task.
   */
  readonly counted?: 'instances' | 'work' | 'nothing'
  readonly otherRun?: OtherRun
  /** Datasets of which an event is recorded when it has succeeded. */
  readonly outlets?: readonly string[]
}

export interface Callbacks {
  readonly success?: string
  readonly failed?: string
  readonly skipped?: string
}

/** The run of another DAG that a task stands for. */
export interface OtherRun {
  readonly dagId: string
  readonly ifDone: IfDone
}

/** What becomes of the task where that run has succeeded before: runs it again, succeeds or is skipped. */
export type IfDone = 'run_again' | 'keep' | 'skip'

/** Cleans up after its set-ups, whatever became of the tasks between. */
export interface Teardown {
  readonly setups: readonly string[]
  /** Whether its own failure fails the run. */
  readonly failsRun: boolean
}

export interface Mapping {
  /** The list; its items are what the input refers to. With a `product` the list of its lists. */
  readonly over: InputSource
  /** Of a cross product: the names of its lists, in their order, which an object would lose. */
  readonly product?: readonly string[]
  /** What an instance is called, or a list of the parts of that. */
  readonly name?: InputSource
  /** Instances that run at once. */
  readonly maxParallel: number
  /**
   * Its instances have ends of their own: single ones can be cleared, pages tell of the first ends, and
   * a list that is missing is upstream_failed. Absent in graphs recorded before that.
   */
  readonly byInstance?: true
}

/** How a sensor or an approval waits. */
export interface Wait {
  /** Between two looks of a sensor. */
  readonly pokeIntervalMs: number
  readonly timeoutMs: number
  readonly onTimeout: 'fail' | 'skip'
}

/** What a pool may be called. */
export const poolName = /^[A-Za-z0-9_.:-]+$/

export interface PoolUse {
  readonly name: string
  readonly slots: number
  /** The effective one: its own and, by the weight rule, that of the tasks around it. */
  readonly priority: number
}

/** The task waits for itself in the run before. */
export interface Past {
  /** Also for the tasks right after it there. */
  readonly waitForDownstream: boolean
  /** The run before is the last one that is not manual (`triggersOfScheduledPast`); absent: any run. */
  readonly isScheduled?: true
  /** It waits for that also before it is skipped. */
  readonly beforeSkipping?: true
}

/** When a run should be over. It goes on when it is not. */
export interface Deadline {
  /** Absent in graphs recorded before there was a choice: `due`, looked at from the first task on. */
  readonly from?: DeadlineReference
  /** After what it counts from. */
  readonly afterMs: number
  readonly warnBeforeMs: number | null
  /** Told of it, while the run goes on. */
  readonly activity: string
}

export type DeadlineReference =
  | { readonly reference: 'due' | 'queued' }
  /** Of the last so many successful runs. */
  | { readonly reference: 'average_runtime'; readonly maxRuns: number; readonly minRuns: number }
  | { readonly reference: 'fixed'; readonly atMs: number }
  | { readonly reference: 'asked'; readonly activity: string }

/** A DAG as pure data. A run records it when it starts and interprets that record from then on. */
export interface Graph {
  readonly dagId: string
  /** Upstream tasks come before those that wait for them; decisions are taken in this order. */
  readonly tasks: readonly TaskNode[]
  /** Activity that is told of a failed run. */
  readonly onFailure: string | null
  /** Activity that is told of a run that succeeded. */
  readonly onSuccess?: string
  /** The first failure stops the run; only teardowns still run. */
  readonly isFailFast?: true
  /** Any failed task fails the run, not only a leaf. */
  readonly failsOnAnyTask?: true
  /** Unfinished tasks are skipped and the run fails when it has taken longer. */
  readonly runTimeoutMs?: number
  readonly deadline?: Deadline
  /** Tasks of a run that may run at once. */
  readonly maxActiveTasks?: number
  /** So many failed runs in a row pause the schedule. */
  readonly maxConsecutiveFailedRuns?: number
}

export function taskOf(graph: Graph, taskId: string): TaskNode {
  const task = graph.tasks.find((candidate) => candidate.id === taskId)
  if (!task) throw new Error(`The graph of ${graph.dagId} has no task ${taskId}`)
  return task
}

/** Whether a task has one place among the active tasks of its run. */
export function takesPlace({ counted }: TaskNode): boolean {
  return counted === undefined || counted === 'work'
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

/** The given tasks and all they wait for, directly or not. */
export function withUpstream(graph: Graph, taskIds: readonly string[]): Set<string> {
  const reached = new Set(taskIds)
  for (const task of graph.tasks.toReversed()) {
    if (reached.has(task.id)) for (const id of task.upstream) reached.add(id)
  }
  return reached
}
