import type { ActivityRef } from './activity-refs.ts'
import type { EndedTask } from './callbacks.ts'
import type { Dataset } from './datasets.ts'
import type { Duration } from './duration.ts'
import type { TriggerRule } from './graph.ts'
import type { OutputRef, Ref, SureRef } from './reference.ts'

declare const allows: unique symbol

/** Something a task of this id may name in `after`. */
export interface Upstream<Id extends string> {
  readonly id: string
  /** Of a group: what comes after it comes after these. */
  readonly leaves?: readonly string[]
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
  /**
   * The n-th wait is at least `retryDelay × factor ^ (n − 1)` and less than twice that, in whole seconds,
   * at most a day: tasks that failed together do not try again together. 1 and 0: always `retryDelay`.
   */
  readonly retryBackoff?: number
  /** No wait is longer. */
  readonly maxRetryDelay?: Duration
  /** Limit of one attempt. */
  readonly timeout?: Duration
  /** An attempt whose worker has not been heard of for so long is given to another. */
  readonly heartbeatTimeout?: Duration | null
}

/** Where a task stands among the others, and what it waits for besides them. */
export interface PlaceOptions<Id extends string, Rule extends TriggerRule> {
  readonly after?: readonly Upstream<Id>[]
  readonly rule?: Rule
  /** Slots that it takes of a pool while it runs; by default one. */
  readonly pool?: string
  readonly poolSlots?: number
  /** Among the tasks that wait for the same pool; higher goes first. It counts in that of others too. */
  readonly priority?: number
  /** How many of it may go on at once over all runs of the DAG, those that wait in it among them. */
  readonly maxActiveTisPerDag?: number
  /** Waits until the same task of the run before has succeeded or was skipped. */
  readonly dependsOnPast?: boolean
  /** Waits also for the tasks right after it there. */
  readonly waitForDownstream?: boolean
  /** Told when it has succeeded; like all callbacks, its own failure changes nothing. */
  readonly onSuccess?: ActivityRef<EndedTask, unknown>
  /** Told when it has failed for good. */
  readonly onFailure?: ActivityRef<EndedTask, unknown>
  /** Told when it has found nothing to do; not when others skip it. */
  readonly onSkipped?: ActivityRef<EndedTask, unknown>
  /** Waits for its past also before a rule or a branch skips it. */
  readonly waitForPastDependsBeforeSkipping?: boolean
  /** Datasets that it writes: each gets an event for the date of the run when it has succeeded. */
  readonly outlets?: readonly Dataset[]
}

/** Of what runs nothing on a worker, and so takes no slots. */
export type UnpooledOptions<Id extends string, Rule extends TriggerRule = TriggerRule> = Omit<
  PlaceOptions<Id, Rule>,
  'pool' | 'poolSlots'
> & { readonly pool?: never; readonly poolSlots?: never }

export type TaskOptions<Id extends string, Rule extends TriggerRule> = AttemptOptions &
  PlaceOptions<Id, Rule>

export interface TeardownOptions<Id extends string> extends Omit<
  TaskOptions<Id, TriggerRule>,
  'rule'
> {
  readonly setups: readonly Upstream<string>[]
  /** Whether its failure fails the run; by default it does not. */
  readonly failsRun?: boolean
}

/** What is skipped where nothing is let through; all that comes after, unless said otherwise. */
export interface SkipOptions {
  readonly skips?: 'all_downstream' | 'direct_downstream'
}

export interface ApprovalOptions {
  /** A rejection fails the task, and with it what comes after; by default it skips that. */
  readonly failOnReject?: boolean
}

export interface MapOptions<Item = never> {
  /** Instances that go on at once in a run; by default 100. */
  readonly maxActiveTisPerDagrun?: number
  /** What people call an instance besides its index; parts of a list are joined by a space. */
  readonly name?: (item: Item) => NamePart | readonly NamePart[]
}

type NamePart = string | Ref<string | number, 'sure'>

/** What a task is mapped over: a list, or several by name, of which every combination is an item. */
export type MappedOver =
  Ref<readonly unknown[]> | { readonly [name: string]: Ref<readonly unknown[]> }

export type ItemOf<Over extends MappedOver> =
  Over extends Ref<readonly (infer Item)[]>
    ? SureRef<Item>
    : {
        readonly [Name in keyof Over]: Over[Name] extends Ref<readonly (infer Item)[]>
          ? SureRef<Item>
          : never
      }

export interface WaitOptions {
  /** Between two looks of a sensor; by default a minute. */
  readonly pokeInterval?: Duration
  /** How long it waits in all; by default 7 days. */
  readonly waitAtMost?: Duration
  readonly onTimeout?: 'fail' | 'skip'
}
