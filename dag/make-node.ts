import type {
  AttemptOptions,
  MapOptions,
  PlaceOptions,
  SkipOptions,
  TaskOptions,
  TeardownOptions,
  WaitOptions,
} from './builder.ts'
import { toMs } from './duration.ts'
import type {
  InputSource,
  OtherRun,
  PoolUse,
  TaskKind,
  TaskNode,
  TriggerRule,
  Wait,
} from './graph.ts'
import { tasksUsed } from './reference.ts'

export interface NodeParts {
  readonly id: string
  readonly kind: TaskKind
  readonly activity: string | null
  readonly input: InputSource
  readonly choices: readonly string[]
  /** The list of a mapped task. */
  readonly over?: InputSource
  /** Of the run of another DAG. */
  readonly otherRun?: OtherRun
}

type AnyOptions = TaskOptions<never, TriggerRule> &
  SkipOptions &
  WaitOptions &
  MapOptions &
  Partial<Pick<TeardownOptions<never>, 'setups' | 'failsRun'>> & { readonly isSetup?: true }

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
  { over, ...parts }: NodeParts,
  options: AnyOptions,
  dag: AttemptOptions,
): TaskNode {
  const attempt = { ...defaults, ...definedOnly(dag), ...definedOnly(options) }
  const { heartbeatTimeout, maxRetryDelay } = attempt
  const setups = (options.setups ?? []).map((setup) => setup.id)
  const after = (options.after ?? []).map((upstream) => upstream.id)
  return {
    ...parts,
    upstream: [...new Set([...tasksUsed(over), ...tasksUsed(parts.input), ...after, ...setups])],
    rule: options.setups ? 'all_done_setup_success' : (options.rule ?? 'all_success'),
    retries: attempt.retries,
    retryDelayMs: toMs(attempt.retryDelay),
    retryBackoff: attempt.retryBackoff,
    maxRetryDelayMs: maxRetryDelay === undefined ? null : toMs(maxRetryDelay),
    timeoutMs: toMs(attempt.timeout),
    heartbeatTimeoutMs: heartbeatTimeout === null ? null : toMs(heartbeatTimeout),
    ...(options.isSetup ? { isSetup: true } : {}),
    ...(options.setups ? { teardown: { setups, failsRun: options.failsRun ?? false } } : {}),
    ...skipsOf(parts.kind, options),
    ...(over === undefined ? {} : { mapping: { over, maxParallel: options.maxParallel ?? 100 } }),
    ...waitOf(parts.kind, options),
    ...poolOf(options),
    ...pastOf(options),
    ...(options.outlets?.length ? { outlets: options.outlets.map((one) => one.dataset) } : {}),
  }
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

function pastOf(options: PlaceOptions<never, TriggerRule>): Pick<TaskNode, 'past'> {
  const { dependsOnPast = false, waitForDownstream = false } = options
  return dependsOnPast || waitForDownstream ? { past: { waitForDownstream } } : {}
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
