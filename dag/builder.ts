import type { z } from 'zod'
import type { ActivityRef } from './activity-refs.ts'
import type { FailedRun, SucceededRun } from './callbacks.ts'
import type { DeadlineOptions } from './deadline.ts'
import type { CronSchedule, DatasetEvent, DatasetSchedule } from './datasets.ts'
import type { Dag } from './define-dag.ts'
import type { Duration } from './duration.ts'
import type { TriggerRule } from './graph.ts'
import type { RunDagOptions, RunDagOutput } from './other-run.ts'
import type { WeightRule } from './priority-weights.ts'
import type { Ref, SureRef, Wired } from './reference.ts'
import type { RunType } from './run-type.ts'
import type {
  ApprovalOptions,
  AttemptOptions,
  BranchRef,
  Chosen,
  ItemOf,
  MapOptions,
  MappedOver,
  SkipOptions,
  TaskOptions,
  TaskRef,
  TeardownOptions,
  UnpooledOptions,
  Upstream,
  WaitOptions,
} from './task-options.ts'

export interface DagOptions<Params, Given = unknown> extends AttemptOptions {
  readonly id: string
  readonly description?: string
  /** The run of a day starts at the first time of `cron` after that day has ended, or when datasets say so. */
  readonly schedule: CronSchedule | DatasetSchedule | null
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
  readonly params?: z.ZodType<Params, Given>
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
  /** Waits until a person approves or rejects; a rejection skips what comes after, or fails the task. */
  readonly approval: <const Id extends string>(
    id: Id,
    options?: UnpooledOptions<`${Prefix}${NoInfer<Id>}`> &
      WaitOptions &
      SkipOptions &
      ApprovalOptions,
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
  /**
   * A task that is the run of another DAG for the same date: starts it, or joins it when it goes on,
   * and ends as it ends. That run goes on when this one is cancelled.
   */
  readonly runDag: <const Id extends string, Given, const Rule extends TriggerRule = 'all_success'>(
    id: Id,
    dag: Dag<Given>,
    options?: UnpooledOptions<`${Prefix}${NoInfer<Id>}`, Rule> &
      RunDagOptions<NoInfer<Given>, NoInfer<Rule>>,
  ) => TaskRef<`${Prefix}${Id}`, RunDagOutput>
  readonly date: Ref<string, 'sure'>
  /** The dataset events that the run consumes; empty where nobody recorded any. */
  readonly events: Ref<readonly DatasetEvent[], 'sure'>
  readonly params: SureRef<Params>
}
