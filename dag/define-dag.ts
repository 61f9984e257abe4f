import type { z } from 'zod'
import type { ActivityRef } from './activity-refs.ts'
import type { Builder, DagOptions, DeadlineOptions } from './builder.ts'
import type { DatasetCondition } from './datasets.ts'
import { toMs } from './duration.ts'
import type { Graph, TaskKind, TaskNode } from './graph.ts'
import type { NodeParts } from './make-node.ts'
import { makeNode } from './make-node.ts'
import { effectivePriorities } from './priority-weights.ts'
import { dateRef, eventsRef, makeRef, recordInput } from './reference.ts'
import { validateDag } from './validate-graph.ts'

export { activityRefs } from './activity-refs.ts'
export type { FailedRun } from './builder.ts'

declare const takes: unique symbol

/** A DAG as a value: what the workflow, the schedules, the CLI and the tests read. */
export interface Dag<Given = unknown> {
  /** What a run may be started with. */
  readonly [takes]?: () => Given
  readonly id: string
  readonly description: string
  readonly schedule: { readonly cron: string; readonly timeZone: string } | null
  /** What has a run of a date start when it is complete for that date. */
  readonly datasets?: DatasetCondition
  readonly timeZone: string
  readonly startDate: string
  readonly catchup: boolean
  readonly maxActiveRuns: number
  readonly graph: Graph
  readonly params: z.ZodType | undefined
  /** Whether a clear takes the tasks of the code; undefined leaves it to the setting. */
  readonly rerunWithLatestVersion: boolean | undefined
}

/**
 * Builds a DAG and checks it.
 * @throws InvalidDag naming every mistake: cycles, unknown or repeated names, bad rules, a bad cron
 */
export function defineDag<Params = Record<string, never>, Given = Params>(
  options: DagOptions<Params, Given>,
  build: (builder: Builder<Params>) => void,
): Dag<Given> {
  const nodes: TaskNode[] = []
  build(builderInto(nodes, options))
  const dag: Dag<Given> = {
    id: options.id,
    description: options.description ?? '',
    ...scheduleOf(options.schedule),
    timeZone: options.schedule?.timeZone ?? 'UTC',
    startDate: options.startDate,
    catchup: options.catchup,
    maxActiveRuns: options.maxActiveRuns,
    graph: graphOf(options, nodes),
    params: options.params,
    rerunWithLatestVersion: options.rerunWithLatestVersion,
  }
  validateDag(dag)
  return dag
}

function scheduleOf(schedule: DagOptions<unknown>['schedule']): Pick<Dag, 'schedule' | 'datasets'> {
  if (schedule === null) return { schedule }
  const { datasets } = schedule
  const cron = 'cron' in schedule ? { cron: schedule.cron, timeZone: schedule.timeZone } : null
  return { schedule: cron, ...(datasets && { datasets }) }
}

function graphOf<Params>(options: DagOptions<Params>, nodes: readonly TaskNode[]): Graph {
  const { failFast, failsOnAnyTask, runTimeout, maxActiveTasks, deadline } = options
  return {
    dagId: options.id,
    tasks: weigh(nodes, options),
    onFailure: options.onFailure?.activityName ?? null,
    ...(failFast ? { isFailFast: true } : {}),
    ...(failsOnAnyTask ? { failsOnAnyTask: true } : {}),
    ...(runTimeout === undefined ? {} : { runTimeoutMs: toMs(runTimeout) }),
    ...(maxActiveTasks === undefined ? {} : { maxActiveTasks }),
    ...(deadline === undefined ? {} : { deadline: deadlineOf(deadline) }),
  }
}

function deadlineOf({
  after,
  warnBefore,
  notify,
}: DeadlineOptions): NonNullable<Graph['deadline']> {
  return {
    afterMs: toMs(after),
    warnBeforeMs: warnBefore === undefined ? null : toMs(warnBefore),
    activity: notify.activityName,
  }
}

/** Priorities matter only where tasks wait for the same pool. */
function weigh<Params>(
  nodes: readonly TaskNode[],
  { weightRule = 'downstream' }: DagOptions<Params>,
): readonly TaskNode[] {
  if (nodes.every((node) => node.pool === undefined)) return nodes
  const own = nodes.map(({ id, upstream, pool }) => ({
    id,
    upstream,
    priority: pool?.priority ?? 1,
  }))
  const weights = effectivePriorities(own, weightRule)
  return nodes.map((node) => {
    if (node.pool === undefined) return node
    return { ...node, pool: { ...node.pool, priority: weights.get(node.id) ?? node.pool.priority } }
  })
}

function builderInto<Params>(nodes: TaskNode[], dag: DagOptions<Params>): Builder<Params> {
  const add = (parts: NodeParts, options: Parameters<typeof makeNode>[1] = {}) => {
    nodes.push(makeNode(parts, options, dag))
  }
  const withActivity = (
    kind: TaskKind,
    id: string,
    activity: ActivityRef<never, unknown>,
    input: unknown,
  ) => ({
    ...{ id, kind, activity: activity.activityName, input: recordInput(input), choices: [] },
  })
  const withoutActivity = (kind: TaskKind, id: string): NodeParts => ({
    ...{ id, kind, activity: null, input: { from: 'literal', value: null }, choices: [] },
  })
  const outputOf = (task: string) => makeRef<never>({ from: 'output', task, path: [] })
  return {
    task(id, activity, input, options) {
      add(withActivity('task', id, activity, input), options)
      return { id, output: outputOf(id) }
    },
    branch(id, activity, input, choices, options) {
      add({ ...withActivity('branch', id, activity, input), choices }, options)
      return { id }
    },
    setup(id, activity, input, options) {
      add(withActivity('task', id, activity, input), { ...options, isSetup: true })
      return { id, output: outputOf(id) }
    },
    teardown(id, activity, input, options) {
      add(withActivity('task', id, activity, input), options)
      return { id, output: outputOf(id) }
    },
    shortCircuit(id, activity, input, options) {
      add(withActivity('short_circuit', id, activity, input), options)
      return { id, output: outputOf(id) }
    },
    latestOnly(id, options) {
      add(withoutActivity('latest_only', id), options)
      return { id, output: outputOf(id) }
    },
    sensor(id, activity, input, options) {
      add(withActivity('sensor', id, activity, input), options)
      return { id, output: outputOf(id) }
    },
    map(id, activity, over, input, options) {
      const item = makeRef<never>({ from: 'item', path: [] })
      const node = withActivity('mapped', id, activity, input(item))
      add({ ...node, over: recordInput(over) }, options)
      return { id, output: outputOf(id) }
    },
    approval(id, options) {
      add(withoutActivity('approval', id), options)
      return { id, output: outputOf(id) }
    },
    runDag(id, dag, options = {}) {
      const { params = {}, ifDone = 'run_again' } = options
      const otherRun = { dagId: dag.id, ifDone }
      const node = { ...withoutActivity('dag_run', id), input: recordInput(params), otherRun }
      // The tasks of that run have retries of their own.
      add(node, { ...options, retries: 0 })
      return { id, output: outputOf(id) }
    },
    date: dateRef,
    events: eventsRef,
    params: makeRef({ from: 'params', path: [] }),
  }
}
