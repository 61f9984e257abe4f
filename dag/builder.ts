import type { z } from 'zod'
import type { ActivityRef } from './activity-refs.ts'
import type { EndedTask, FailedRun, SucceededRun } from './callbacks.ts'
import type { DeadlineOptions } from './deadline.ts'
import type { Duration } from './duration.ts'
import type { TriggerRule } from './graph.ts'
import type { WeightRule } from './priority-weights.ts'
import type { OutputRef, Ref, SureRef, Wired } from './reference.ts'
import type { RunType } from './run-type.ts'

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
}

/** Of what runs nothing on a worker, and so takes no slots. */
export type UnpooledOptions<Id extends string> = Omit<
  PlaceOptions<Id, TriggerRule>,
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

export interface DagOptions<Params> extends AttemptOptions {
  readonly id: string
  readonly description?: string
  /** The run of a day starts at the first time of `cron` after that day has ended. */
  readonly schedule: { readonly cron: string; readonly timeZone: string } | null
  /**
   * First day that the schedule is responsible for; earlier days run when a person asks for them.
   * Without it, the first day for which the schedule makes a run.
   */
  readonly startDate?: string
  /** Days since then that have no run are made up for by themselves: all of them, or the newest alone. */
  readonly catchup: boolean
  readonly maxActiveRuns: number
  /** What may start a run; by default everything. A clear of a run that there is always may. */
  readonly allowedRunTypes?: readonly RunType[]
  /** Its schedule is paused when so many runs in a row have failed; 0 (the default) is never. */
  readonly maxConsecutiveFailedRuns?: number
  /** Told of a failed run before it ends; its own failure changes nothing. */
  readonly onFailure?: ActivityRef<FailedRun, unknown>
  /** Told of a run that succeeded, likewise. */
  readonly onSuccess?: ActivityRef<SucceededRun, unknown>
  readonly params?: z.ZodType<Params>
  /** The first failed task stops the run; every task must have the rule all_success. */
  readonly failFast?: boolean
  /** Any failed task fails the run, not only one that nothing comes after. */
  readonly failsOnAnyTask?: boolean
  /** A run that takes longer fails; what has not ended is skipped. */
  readonly runTimeout?: Duration
  /** When the run should be over. It goes on when it is not, and somebody is told. */
  readonly deadline?: DeadlineOptions
  /** Tasks of a run that may run at once. */
  readonly maxActiveTasks?: number
  /**
   * A clear of an ended run takes the tasks that the code has now, rather than those that the run
   * recorded. Without it the setting RERUN_WITH_LATEST_VERSION decides.
   */
  readonly rerunWithLatestVersion?: boolean
  /** How the priority of a task follows from its own and that of the tasks around it. */
  readonly weightRule?: WeightRule
}

/** What a person said about an approval. */
export interface ApprovalOutput {
  decision: 'approve' | 'reject'
  by: string
  reason: string
}

/** All tasks of a group; to come after it is to come after its leaves. */
export interface GroupRef<Id extends string, Made> extends Upstream<string> {
  readonly id: Id
  readonly leaves: readonly string[]
  /** What the function that built the group returned. */
  readonly made: Made
}

export interface GroupOptions {
  /** Its roots come after these. */
  readonly after?: readonly Upstream<string>[]
}

/** `Prefix` is that of the group which it builds: `orders.`. */
export interface Builder<Params, Prefix extends string = ''> {
  readonly task: <
    const Id extends string,
    Input,
    Output,
    const Rule extends TriggerRule = 'all_success',
  >(
    id: Id,
    activity: ActivityRef<Input, Output>,
    input: Wired<NoInfer<Input>, NoInfer<Rule>>,
    options?: TaskOptions<`${Prefix}${NoInfer<Id>}`, Rule>,
  ) => TaskRef<`${Prefix}${Id}`, Output>
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
    options?: TaskOptions<`${Prefix}${NoInfer<Id>}`, Rule>,
  ) => BranchRef<`${Prefix}${Id}`, Choice>
  /** Makes something for the tasks after it, which its teardown takes away again. */
  readonly setup: Builder<Params, Prefix>['task']
  /** Runs when its set-ups have succeeded and all between them and it has ended, however it ended. */
  readonly teardown: <const Id extends string, Input>(
    id: Id,
    activity: ActivityRef<Input, unknown>,
    input: Wired<NoInfer<Input>, 'all_done'>,
    options: TeardownOptions<`${Prefix}${NoInfer<Id>}`>,
  ) => TaskRef<`${Prefix}${Id}`, undefined>
  /** A task whose activity says whether what comes after it runs. */
  readonly shortCircuit: <
    const Id extends string,
    Input,
    const Rule extends TriggerRule = 'all_success',
  >(
    id: Id,
    activity: ActivityRef<Input, boolean>,
    input: Wired<NoInfer<Input>, NoInfer<Rule>>,
    options?: TaskOptions<`${Prefix}${NoInfer<Id>}`, Rule> & SkipOptions,
  ) => TaskRef<`${Prefix}${Id}`, boolean>
  /** Lets its direct downstream run only in the newest due run, and in runs made by hand. */
  readonly latestOnly: <const Id extends string>(
    id: Id,
    options?: UnpooledOptions<`${Prefix}${NoInfer<Id>}`>,
  ) => TaskRef<`${Prefix}${Id}`, undefined>
  /**
   * A task whose activity is asked again and again until it returns something other than false or
   * nothing. Waiting for days costs no worker and no event.
   */
  readonly sensor: <
    const Id extends string,
    Input,
    Output,
    const Rule extends TriggerRule = 'all_success',
  >(
    id: Id,
    activity: ActivityRef<Input, Output | false | null | undefined>,
    input: Wired<NoInfer<Input>, NoInfer<Rule>>,
    options?: TaskOptions<`${Prefix}${NoInfer<Id>}`, Rule> & WaitOptions,
  ) => TaskRef<`${Prefix}${Id}`, Output>
  /**
   * A task that runs once for each item of a list; `input` says what an instance gets of its item. Over
   * `{ shops: …, days: … }` once for each of their combinations, the last list varying fastest.
   * Its output is the list of theirs, in the order of the items.
   */
  readonly map: <
    const Id extends string,
    Over extends MappedOver,
    Input,
    Output,
    const Rule extends TriggerRule = 'all_success',
  >(
    id: Id,
    activity: ActivityRef<Input, Output>,
    over: Over,
    input: (item: ItemOf<NoInfer<Over>>) => Wired<NoInfer<Input>, NoInfer<Rule>>,
    options?: TaskOptions<`${Prefix}${NoInfer<Id>}`, Rule> & MapOptions<ItemOf<NoInfer<Over>>>,
  ) => TaskRef<`${Prefix}${Id}`, Output[]>
  /** Waits until a person approves or rejects; a rejection skips what comes after. */
  readonly approval: <const Id extends string>(
    id: Id,
    options?: UnpooledOptions<`${Prefix}${NoInfer<Id>}`> & WaitOptions & SkipOptions,
  ) => TaskRef<`${Prefix}${Id}`, ApprovalOutput>
  /**
   * Tasks that are seen as one: their ids begin with that of the group and a dot, `orders.load`, and
   * what comes before or after the group comes before its roots or after its leaves.
   */
  readonly group: <const Id extends string, Made>(
    id: Id,
    build: (builder: Builder<Params, `${Prefix}${Id}.`>) => Made,
    options?: GroupOptions,
  ) => GroupRef<`${Prefix}${Id}`, Made>
  readonly date: Ref<string, 'sure'>
  readonly params: SureRef<Params>
}
