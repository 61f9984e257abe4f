import type { z } from 'zod'
import type { ActivityRef } from './activity-refs.ts'
import type { Builder, DagOptions, DeadlineOptions } from './builder.ts'
import { toMs } from './duration.ts'
import type { Graph, TaskKind, TaskNode } from './graph.ts'
import type { NodeParts } from './make-node.ts'
import { makeNode } from './make-node.ts'
import { effectivePriorities } from './priority-weights.ts'
import { dateRef, makeRef, recordInput } from './reference.ts'
import type { RunType } from './run-type.ts'
import { runTypes } from './run-type.ts'
import { validateDag } from './validate-graph.ts'

export { activityRefs } from './activity-refs.ts'
export type { FailedRun } from './builder.ts'

/** A DAG as a value: what the workflow, the schedules, the CLI and the tests read. */
export interface Dag {
  readonly id: string
  readonly description: string
  readonly schedule: { readonly cron: string; readonly timeZone: string } | null
  readonly timeZone: string
  readonly startDate: string | undefined
  readonly catchup: boolean
  readonly maxActiveRuns: number
  readonly allowedRunTypes: readonly RunType[]
  readonly graph: Graph
  readonly params: z.ZodType | undefined
}

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
    allowedRunTypes: options.allowedRunTypes ?? runTypes,
    graph: graphOf(options, nodes),
    params: options.params,
  }
  validateDag(dag)
  return dag
}

function graphOf<Params>(options: DagOptions<Params>, nodes: readonly TaskNode[]): Graph {
  const { failFast, failsOnAnyTask, runTimeout, maxActiveTasks, deadline } = options
  const { maxConsecutiveFailedRuns = 0 } = options
  return {
    dagId: options.id,
    tasks: weigh(nodes, options),
    onFailure: options.onFailure?.activityName ?? null,
    ...(failFast ? { isFailFast: true } : {}),
    ...(failsOnAnyTask ? { failsOnAnyTask: true } : {}),
    ...(runTimeout === undefined ? {} : { runTimeoutMs: toMs(runTimeout) }),
    ...(maxActiveTasks === undefined ? {} : { maxActiveTasks }),
    ...(deadline === undefined ? {} : { deadline: deadlineOf(deadline) }),
    ...(maxConsecutiveFailedRuns === 0 ? {} : { maxConsecutiveFailedRuns }),
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
    date: dateRef,
    params: makeRef({ from: 'params', path: [] }),
  }
}
