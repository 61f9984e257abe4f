import type { z } from 'zod'
import type { Duration } from './duration.ts'
import { toMs } from './duration.ts'
import type { Graph, InputSource, TaskNode, TriggerRule } from './graph.ts'
import type { OutputRef, Ref, SureRef, Wired } from './reference.ts'
import { dateRef, makeRef, recordInput, tasksUsed } from './reference.ts'
import { validateDag } from './validate-graph.ts'

declare const signature: unique symbol

/** The name of an activity, with the types of its input and output. */
export interface ActivityRef<Input, Output> {
  readonly activityName: string
  readonly [signature]?: (input: Input) => Output
}

// Any signature is taken here; what does not fit is refused where the activity is used.
type AnyActivity = (...args: never[]) => Promise<unknown>

export type ActivityRefs<Activities> = {
  readonly [Name in keyof Activities]: Activities[Name] extends (
    ...args: infer Args
  ) => Promise<infer Output>
    ? ActivityRef<Args extends readonly [infer Input, ...unknown[]] ? Input : undefined, Output>
    : never
}

/** Typed names of activities: the code behind them is not loaded. */
export function activityRefs<
  Activities extends Record<keyof Activities, AnyActivity>,
>(): ActivityRefs<Activities>
export function activityRefs(): unknown {
  return new Proxy({}, { get: (_, name) => ({ activityName: String(name) }) })
}

declare const allows: unique symbol

/** Something a task of this id may name in `after`. */
export interface Upstream<Id extends string> {
  readonly id: string
  readonly [allows]?: (downstream: Id) => void
}

export interface TaskRef<Id extends string, Output> extends Upstream<string> {
  readonly id: Id
  readonly output: OutputRef<Output>
}

/** Only the tasks it may choose can come right after a branch. */
export interface BranchRef<Id extends string, Choice extends string> extends Upstream<Choice> {
  readonly id: Id
}

/** What a branch's activity returns: one of its choices, several, or none. */
export type Chosen<Choice extends string> = Choice | readonly Choice[] | null | undefined

export interface AttemptOptions {
  readonly retries?: number
  readonly retryDelay?: Duration
  /** Each delay is the one before times this; 1 keeps it the same. */
  readonly retryBackoff?: number
  readonly maxRetryDelay?: Duration
  /** Limit of one attempt. */
  readonly timeout?: Duration
  /** An attempt whose worker has not been heard of for so long is given to another. */
  readonly heartbeatTimeout?: Duration | null
}

export interface TaskOptions<Id extends string, Rule extends TriggerRule> extends AttemptOptions {
  readonly after?: readonly Upstream<Id>[]
  readonly rule?: Rule
}

export interface DagOptions<Params> extends AttemptOptions {
  readonly id: string
  readonly description?: string
  /** The run of a day starts at the first time of `cron` after that day has ended. */
  readonly schedule: { readonly cron: string; readonly timeZone: string } | null
  /** First day that the schedule is responsible for; earlier days run when a person asks for them. */
  readonly startDate: string
  readonly catchup: boolean
  readonly maxActiveRuns: number
  /** Told of a failed run before it ends; its own failure changes nothing. */
  readonly onFailure?: ActivityRef<FailedRun, unknown>
  readonly params?: z.ZodType<Params>
}

export interface FailedRun {
  dagId: string
  date: string
  runKey: string
  failedTasks: string[]
  reason: string
}

export interface Builder<Params> {
  readonly task: <
    const Id extends string,
    Input,
    Output,
    const Rule extends TriggerRule = 'all_success',
  >(
    id: Id,
    activity: ActivityRef<Input, Output>,
    input: Wired<NoInfer<Input>, NoInfer<Rule>>,
    options?: TaskOptions<NoInfer<Id>, Rule>,
  ) => TaskRef<Id, Output>
  /** A task whose activity returns which of `choices` run; the others are skipped. */
  readonly branch: <
    const Id extends string,
    Input,
    const Choice extends string,
    const Rule extends TriggerRule = 'all_success',
  >(
    id: Id,
    activity: ActivityRef<Input, Chosen<NoInfer<Choice>>>,
    input: Wired<NoInfer<Input>, NoInfer<Rule>>,
    choices: readonly Choice[],
    options?: TaskOptions<NoInfer<Id>, Rule>,
  ) => BranchRef<Id, Choice>
  readonly date: Ref<string, 'sure'>
  readonly params: SureRef<Params>
}

/** A DAG as a value: what the workflow, the schedules, the CLI and the tests read. */
export interface Dag {
  readonly id: string
  readonly description: string
  readonly schedule: { readonly cron: string; readonly timeZone: string } | null
  readonly timeZone: string
  readonly startDate: string
  readonly catchup: boolean
  readonly maxActiveRuns: number
  readonly graph: Graph
  readonly params: z.ZodType | undefined
}

const defaults = {
  retries: 0,
  retryDelay: '5 minutes',
  retryBackoff: 1,
  timeout: '1 hour',
  heartbeatTimeout: '30 seconds',
} as const satisfies AttemptOptions

/**
 * Builds a DAG and checks it.
 * @throws InvalidDag naming every mistake: cycles, unknown or repeated names, bad rules, a bad cron
 */
export function defineDag<Params = Record<string, never>>(
  options: DagOptions<Params>,
  build: (builder: Builder<Params>) => void,
): Dag {
  const nodes: TaskNode[] = []
  build(builderInto(nodes, options))
  const dag: Dag = {
    id: options.id,
    description: options.description ?? '',
    schedule: options.schedule,
    timeZone: options.schedule?.timeZone ?? 'UTC',
    startDate: options.startDate,
    catchup: options.catchup,
    maxActiveRuns: options.maxActiveRuns,
    graph: {
      dagId: options.id,
      tasks: nodes,
      onFailure: options.onFailure?.activityName ?? null,
    },
    params: options.params,
  }
  validateDag(dag)
  return dag
}

function builderInto<Params>(nodes: TaskNode[], dag: DagOptions<Params>): Builder<Params> {
  const add = (node: NodeParts, options: TaskOptions<never, TriggerRule> = {}) => {
    nodes.push(makeNode(node, options, { ...defaults, ...definedOnly(dag) }))
  }
  return {
    task(id, activity, input, options) {
      add({ id, kind: 'task', activity, input: recordInput(input), choices: [] }, options)
      return { id, output: makeRef({ from: 'output', task: id, path: [] }) }
    },
    branch(id, activity, input, choices, options) {
      add({ id, kind: 'branch', activity, input: recordInput(input), choices }, options)
      return { id }
    },
    date: dateRef,
    params: makeRef({ from: 'params', path: [] }),
  }
}

interface NodeParts {
  readonly id: string
  readonly kind: 'task' | 'branch'
  readonly activity: { readonly activityName: string }
  readonly input: InputSource
  readonly choices: readonly string[]
}

type Defaults = AttemptOptions & Required<Omit<AttemptOptions, 'maxRetryDelay'>>

function makeNode(
  parts: NodeParts,
  options: TaskOptions<never, TriggerRule>,
  dag: Defaults,
): TaskNode {
  const attempt = { ...dag, ...definedOnly(options) }
  const after = (options.after ?? []).map((upstream) => upstream.id)
  const { heartbeatTimeout, maxRetryDelay } = attempt
  return {
    id: parts.id,
    kind: parts.kind,
    activity: parts.activity.activityName,
    input: parts.input,
    upstream: [...new Set([...tasksUsed(parts.input), ...after])],
    rule: options.rule ?? 'all_success',
    retries: attempt.retries,
    retryDelayMs: toMs(attempt.retryDelay),
    retryBackoff: attempt.retryBackoff,
    maxRetryDelayMs: maxRetryDelay === undefined ? null : toMs(maxRetryDelay),
    timeoutMs: toMs(attempt.timeout),
    heartbeatTimeoutMs: heartbeatTimeout === null ? null : toMs(heartbeatTimeout),
    choices: parts.choices,
  }
}

function definedOnly(options: AttemptOptions): AttemptOptions {
  const { retries, retryDelay, retryBackoff, maxRetryDelay, timeout, heartbeatTimeout } = options
  return {
    ...(retries === undefined ? {} : { retries }),
    ...(retryDelay === undefined ? {} : { retryDelay }),
    ...(retryBackoff === undefined ? {} : { retryBackoff }),
    ...(maxRetryDelay === undefined ? {} : { maxRetryDelay }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(heartbeatTimeout === undefined ? {} : { heartbeatTimeout }),
  }
}
