import type { DagOptions } from './builder.ts'
import type {
  ApprovalOptions,
  AttemptOptions,
  MapOptions,
  PlaceOptions,
  SkipOptions,
  TaskOptions,
  TeardownOptions,
  WaitOptions,
} from './task-options.ts'
import { toMs } from './duration.ts'
import type {
  InputSource,
  Mapping,
  OtherRun,
  PoolUse,
  TaskKind,
  TaskNode,
  TriggerRule,
  Wait,
} from './graph.ts'
import { idsOf } from './groups.ts'
import { tasksUsed } from './reference.ts'
import { InvalidDag } from './validate-graph.ts'

export interface NodeParts {
  readonly id: string
  readonly kind: TaskKind
  readonly activity: string | null
  readonly input: InputSource
  readonly choices: readonly string[]
  /** The list of a mapped task, and the names of its instances. */
  readonly mapped?: Pick<Mapping, 'over' | 'product' | 'name'>
  /** Of the run of another DAG. */
  readonly otherRun?: OtherRun
}

type AnyOptions = TaskOptions<never, TriggerRule> &
  SkipOptions &
  WaitOptions &
  ApprovalOptions &
  MapOptions &
  Partial<Pick<TeardownOptions<never>, 'setups' | 'failsRun'>> & { readonly isSetup?: true }

/** What a node has of its DAG. */
type DagOfNode = AttemptOptions & Pick<DagOptions<never>, 'id' | 'catchup'>

const defaults = {
  retries: 0,
  retryDelay: '5 minutes',
  retryBackoff: 1,
  timeout: '1 hour',
  heartbeatTimeout: '30 seconds',
} as const satisfies AttemptOptions

const waitDefaults = { pokeInterval: '1 minute', waitAtMost: '7 days', onTimeout: 'fail' } as const

/** A task as data; what it does not say itself comes from its DAG, then from the defaults. */
export function makeNode(
  { mapped, ...parts }: NodeParts,
  options: AnyOptions,
  dag: DagOfNode,
): TaskNode {
  assertMeaning(parts.id, options)
  const attempt = { ...defaults, ...definedOnly(dag), ...definedOnly(options) }
  const { heartbeatTimeout, maxRetryDelay } = attempt
  const setups = (options.setups ?? []).map((setup) => setup.id)
  const after = idsOf(options.after)
  return {
    ...parts,
    upstream: [
      ...new Set([...tasksUsed(mapped?.over), ...tasksUsed(parts.input), ...after, ...setups]),
    ],
    rule: options.setups ? 'all_done_setup_success' : (options.rule ?? 'all_success'),
    retries: attempt.retries,
    retryDelayMs: toMs(attempt.retryDelay),
    ...backoffOf(attempt.retryBackoff),
    maxRetryDelayMs: maxRetryDelay === undefined ? null : toMs(maxRetryDelay),
    timeoutMs: toMs(attempt.timeout),
    heartbeatTimeoutMs: heartbeatTimeout === null ? null : toMs(heartbeatTimeout),
    ...(options.isSetup ? { isSetup: true } : {}),
    ...(options.setups ? { teardown: { setups, failsRun: options.failsRun ?? false } } : {}),
    ...skipsOf(parts.kind, options),
    ...(options.failOnReject ? { failsOnReject: true } : {}),
    ...mappingOf(mapped, options),
    ...waitOf(parts.kind, options),
    ...poolOf(options),
    ...maxActiveOf(dag.id, parts.id, options),
    ...pastOf(dag, options),
    ...callbacksOf(options),
    ...countedOf(parts.kind, options),
    ...(options.outlets?.length ? { outlets: options.outlets.map((one) => one.dataset) } : {}),
  }
}

/** @throws InvalidDag for an option that says nothing without another one */
function assertMeaning(id: string, options: AnyOptions): void {
  const { pool, poolSlots, dependsOnPast, waitForDownstream } = options
  const refuse = (option: string, without: string) => {
    throw new InvalidDag(`task ${id}: ${option} says nothing without ${without}`)
  }
  if (poolSlots !== undefined && pool === undefined) refuse('poolSlots', 'a pool')
  if (options.waitForPastDependsBeforeSkipping && !dependsOnPast && !waitForDownstream) {
    refuse('waitForPastDependsBeforeSkipping', 'dependsOnPast')
  }
}

function mappingOf(
  mapped: NodeParts['mapped'],
  { maxActiveTisPerDagrun = 100 }: MapOptions,
): Pick<TaskNode, 'mapping'> {
  if (mapped === undefined) return {}
  return { mapping: { ...mapped, maxParallel: maxActiveTisPerDagrun, byInstance: true } }
}

/** As in Airflow a factor of 0 means what 1 does: no back-off. */
function backoffOf(factor: number): Pick<TaskNode, 'retryBackoff' | 'retryJitter'> {
  if (factor === 0 || factor === 1) return { retryBackoff: 1 }
  return { retryBackoff: factor, retryJitter: true }
}

function skipsOf(kind: TaskKind, { skips }: SkipOptions): Pick<TaskNode, 'skips'> {
  if (kind === 'latest_only') return { skips: 'direct_downstream' }
  return skips === undefined ? {} : { skips }
}

function waitOf(kind: TaskKind, options: WaitOptions): { wait?: Wait } {
  if (kind !== 'sensor' && kind !== 'approval') return {}
  const { pokeInterval, waitAtMost, onTimeout } = { ...waitDefaults, ...definedWait(options) }
  return { wait: { pokeIntervalMs: toMs(pokeInterval), timeoutMs: toMs(waitAtMost), onTimeout } }
}

function definedWait({ pokeInterval, waitAtMost, onTimeout }: WaitOptions): WaitOptions {
  return {
    ...(pokeInterval === undefined ? {} : { pokeInterval }),
    ...(waitAtMost === undefined ? {} : { waitAtMost }),
    ...(onTimeout === undefined ? {} : { onTimeout }),
  }
}

/** The priority is its own here; the weight rule needs the whole graph. */
function poolOf(options: PlaceOptions<never, TriggerRule>): { pool?: PoolUse } {
  const { pool, poolSlots = 1, priority = 1 } = options
  return pool === undefined ? {} : { pool: { name: pool, slots: poolSlots, priority } }
}

function maxActiveOf(
  dagId: string,
  taskId: string,
  { maxActiveTisPerDag: most }: PlaceOptions<never, TriggerRule>,
): Pick<TaskNode, 'maxActive'> {
  return most === undefined ? {} : { maxActive: { pool: `task:${dagId}.${taskId}`, most } }
}

function countedOf(
  kind: TaskKind,
  { dependsOnPast, waitForDownstream }: PlaceOptions<never, TriggerRule>,
): Pick<TaskNode, 'counted'> {
  if (kind === 'mapped') return { counted: 'instances' }
  if (['approval', 'sensor', 'dag_run'].includes(kind)) return { counted: 'nothing' }
  return dependsOnPast || waitForDownstream ? { counted: 'work' } : {}
}

function pastOf(
  { catchup }: DagOfNode,
  options: PlaceOptions<never, TriggerRule>,
): Pick<TaskNode, 'past'> {
  const { dependsOnPast = false, waitForDownstream = false } = options
  if (!dependsOnPast && !waitForDownstream) return {}
  return {
    past: {
      waitForDownstream,
      ...(catchup ? { isScheduled: true } : {}),
      ...(options.waitForPastDependsBeforeSkipping ? { beforeSkipping: true } : {}),
    },
  }
}

function callbacksOf(options: PlaceOptions<never, TriggerRule>): Pick<TaskNode, 'callbacks'> {
  const { onSuccess, onFailure, onSkipped } = options
  const callbacks = {
    ...(onSuccess && { success: onSuccess.activityName }),
    ...(onFailure && { failed: onFailure.activityName }),
    ...(onSkipped && { skipped: onSkipped.activityName }),
  }
  return Object.keys(callbacks).length === 0 ? {} : { callbacks }
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
