import type { z } from 'zod'
import type { ActivityRef } from './activity-refs.ts'
import type { Builder, DagOptions } from './builder.ts'
import { deadlineOf } from './deadline.ts'
import type { DatasetCondition } from './datasets.ts'
import { toMs } from './duration.ts'
import type { Graph, TaskKind, TaskNode } from './graph.ts'
import { assertLocal, idsOf, leavesOf, startAfter } from './groups.ts'
import type { NodeParts } from './make-node.ts'
import { makeNode } from './make-node.ts'
import { effectivePriorities } from './priority-weights.ts'
import { dateRef, eventsRef, makeRef, recordInput, recordOver } from './reference.ts'
import type { RunType } from './run-type.ts'
import { runTypes } from './run-type.ts'
import { validateDag } from './validate-graph.ts'

/** A task, and the priority it was given: a node knows one only where it has a pool. */
interface PlacedTask {
  readonly node: TaskNode
  readonly priority: number
}

export { activityRefs } from './activity-refs.ts'
export type { EndedTask, FailedRun, SucceededRun } from './callbacks.ts'

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
  readonly startDate: string | undefined
  readonly catchup: boolean
  readonly maxActiveRuns: number
  readonly allowedRunTypes: readonly RunType[]
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
  const tasks: PlacedTask[] = []
  build(builderInto(tasks, options, ''))
  const dag: Dag<Given> = {
    id: options.id,
    description: options.description ?? '',
    ...scheduleOf(options.schedule),
    timeZone: options.schedule?.timeZone ?? 'UTC',
    startDate: options.startDate,
    catchup: options.catchup,
    maxActiveRuns: options.maxActiveRuns,
    allowedRunTypes: options.allowedRunTypes ?? runTypes,
    graph: graphOf(options, tasks),
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

function graphOf<Params>(options: DagOptions<Params>, tasks: readonly PlacedTask[]): Graph {
  const { failFast, failsOnAnyTask, runTimeout, maxActiveTasks, deadline } = options
  const { maxConsecutiveFailedRuns = 0 } = options
  return {
    dagId: options.id,
    tasks: weigh(tasks, options),
    onFailure: options.onFailure?.activityName ?? null,
    ...(options.onSuccess && { onSuccess: options.onSuccess.activityName }),
    ...(failFast ? { isFailFast: true } : {}),
    ...(failsOnAnyTask ? { failsOnAnyTask: true } : {}),
    ...(runTimeout === undefined ? {} : { runTimeoutMs: toMs(runTimeout) }),
    ...(maxActiveTasks === undefined ? {} : { maxActiveTasks }),
    ...(deadline === undefined ? {} : { deadline: deadlineOf(deadline) }),
    ...(maxConsecutiveFailedRuns === 0 ? {} : { maxConsecutiveFailedRuns }),
  }
}

/** Every task's own priority counts in that of others; only those with a pool wait by it. */
function weigh<Params>(
  tasks: readonly PlacedTask[],
  { weightRule = 'downstream' }: DagOptions<Params>,
): readonly TaskNode[] {
  const own = tasks.map(({ node, priority }) => ({ ...node, priority }))
  const weights = effectivePriorities(own, weightRule)
  return tasks.map(({ node }) => {
    if (node.pool === undefined) return node
    return { ...node, pool: { ...node.pool, priority: weights.get(node.id) ?? node.pool.priority } }
  })
}

function builderInto<Params, Prefix extends string>(
  tasks: PlacedTask[],
  dag: DagOptions<Params>,
  prefix: Prefix,
): Builder<Params, Prefix> {
  const named = <Id extends string>(id: Id): `${Prefix}${Id}` => {
    assertLocal(id)
    return `${prefix}${id}`
  }
  const add = (parts: NodeParts, options: Parameters<typeof makeNode>[1] = {}) => {
    tasks.push({ node: makeNode(parts, options, dag), priority: options.priority ?? 1 })
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
    task(localId, activity, input, options) {
      const id = named(localId)
      add(withActivity('task', id, activity, input), options)
      return { id, output: outputOf(id) }
    },
    branch(localId, activity, input, choices, options) {
      const id = named(localId)
      add({ ...withActivity('branch', id, activity, input), choices }, options)
      return { id }
    },
    setup(localId, activity, input, options) {
      const id = named(localId)
      add(withActivity('task', id, activity, input), { ...options, isSetup: true })
      return { id, output: outputOf(id) }
    },
    teardown(localId, activity, input, options) {
      const id = named(localId)
      add(withActivity('task', id, activity, input), options)
      return { id, output: outputOf(id) }
    },
    shortCircuit(localId, activity, input, options) {
      const id = named(localId)
      add(withActivity('short_circuit', id, activity, input), options)
      return { id, output: outputOf(id) }
    },
    latestOnly(localId, options) {
      const id = named(localId)
      add(withoutActivity('latest_only', id), options)
      return { id, output: outputOf(id) }
    },
    sensor(localId, activity, input, options) {
      const id = named(localId)
      add(withActivity('sensor', id, activity, input), options)
      return { id, output: outputOf(id) }
    },
    map(localId, activity, over, input, options) {
      const id = named(localId)
      const item = makeRef<never>({ from: 'item', path: [] })
      const { name, ...others } = options ?? {}
      const node = withActivity('mapped', id, activity, input(item))
      const mapped = { ...recordOver(over), ...(name && { name: recordInput(name(item), 'name') }) }
      add({ ...node, mapped }, others)
      return { id, output: outputOf(id) }
    },
    approval(localId, options) {
      const id = named(localId)
      add(withoutActivity('approval', id), options)
      return { id, output: outputOf(id) }
    },
    group(localId, build, options) {
      const id = named(localId)
      const first = tasks.length
      const made = build(builderInto(tasks, dag, `${id}.`))
      const members = tasks.splice(first)
      if (members.length === 0) throw new Error(`The group ${id} has no tasks`)
      tasks.push(...startAfter(members, idsOf(options?.after)))
      return { id, leaves: leavesOf(members.map(({ node }) => node)), made }
    },
    runDag(localId, dag, options = {}) {
      const id = named(localId)
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
