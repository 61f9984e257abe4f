import type { Client } from '@temporalio/client'
import type { DatasetCondition, DatasetEvent } from '../dag/datasets.ts'
import { daysFor } from '../dag/datasets.ts'
import type { Graph } from '../dag/graph.ts'
import type { TaskStates } from '../dag/task-state.ts'
import type { ResolvedRun, RunInput } from '../dag/resolve-run.ts'
import { placeOf } from '../dag/place-of-run.ts'
import { alwaysPassesLatestOnly } from '../dag/run-type.ts'
import type { Repairs } from '../dag/run-loop/run-graph.ts'
import { withGraph } from '../dag/plan-clear.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { inTransaction } from '../platform/database.ts'
import { consumeEvents, findFreshEvent, inheritEvents } from '../platform/datasets.ts'
import type { RunResult } from '../workflows/run-dag.ts'
import { endNotWritten, wasReset } from '../platform/ended-run.ts'
import { storableJson, storableText } from '../platform/storable-text.ts'
import { averageRuntime } from './average-runtime.ts'
import { awaitResult } from './await-run.ts'
import { badInput } from './bad-input.ts'
import type { RecordedIntervention } from './open-run.ts'
import { findRepair, forgetOlderSlots, ignoredPast, keepIntervention, openRun } from './open-run.ts'
import { pauseAfterFailures } from './pause-after-failures.ts'
import { readRunBefore } from './run-before.ts'
import { createSlotActivities } from './slots.ts'

export interface StartRunInput {
  readonly dagId: string
  readonly runId: string
  readonly startedMs: number
  readonly resolved: ResolvedRun
  readonly graph: Graph
  readonly maxActiveRuns: number
  /** What the DAG says about clears that do not say it; the setting decides where it does not. */
  readonly rerunWithLatestVersion?: boolean | undefined
  /** End of the interval after the run's own. */
  readonly latestUntilMs: number | null
  /** When the schedule has the run of that day start. */
  readonly dueMs: number | null
  /** What the DAG waits for, where datasets can start it: the run consumes those of its date. */
  readonly datasets?: DatasetCondition | undefined
}

export interface RunIdentity {
  readonly date: string
  readonly runKey: string
  readonly trigger: string
  readonly params: unknown
}

/** What an execution is: the run of its day, or a door that leads to it. */
export type StartedRun =
  | (RunIdentity & {
      readonly role: 'run'
      /** The graph that this run interprets to its end. */
      readonly graph: Graph
      /** Setting an unknown search attribute would block the workflow for ever. */
      readonly hasSearchAttributes: boolean
      readonly latestUntilMs: number | null
      readonly dueMs: number | null
      /** Of earlier runs, if the deadline counts from that; fixed when the run starts. */
      readonly averageMs?: number | null
      readonly hasPast: boolean
      /** Runs of the DAG that may be active at once; null for runs of a backfill, which has a limit of its own. */
      readonly maxActiveRuns: number | null
      /** Whether so many are active already. */
      readonly isQueued: boolean
      readonly repairs: Repairs | null
      /** Of a DAG that datasets can start. */
      readonly events?: readonly DatasetEvent[]
    })
  /** What datasets asked for was done by the run before: two that saw the same event have started one each. */
  | (RunIdentity & { readonly role: 'nothing_new'; readonly dagId: string })
  | (RunIdentity & {
      readonly role: 'door'
      readonly dagId: string
      readonly input: RunInput
      /** It only joins a run that there is, and ends as that one did. */
      readonly isDouble?: boolean
    })

export interface CloseRunInput {
  readonly runId: string
  readonly runKey: string
  readonly dagId: string
  readonly date: string
  readonly trigger: string
  readonly startedMs: number
  readonly graph: Graph
  readonly state: 'success' | 'failed' | 'cancelled'
  readonly failedTasks: string[]
  readonly error: string | null
  readonly taskStates: TaskStates
  readonly outputs: Readonly<Record<string, unknown>>
  /** Under which its slots are held: a reset keeps it. */
  readonly originalRunId: string
}

export interface RunDeps {
  readonly database: Database
  readonly client: Client
  readonly hasSearchAttributes: boolean
  /** For DAGs that do not say; false by default. */
  readonly rerunWithLatestVersion?: boolean
}

export type RunActivities = ReturnType<typeof createRunActivities>

/** What every run needs beside its tasks. Repeatable, as every activity may run more than once. */
export function createRunActivities(deps: RunDeps) {
  const { database, client, hasSearchAttributes } = deps
  const slots = createSlotActivities({ database, client })

  /** Whether there is room for the run among the active ones of its DAG; else it is told later. */
  const takePlace = async (
    { runKey, date }: RunIdentity,
    { runId, dagId }: StartRunInput,
    maxActiveRuns: number | null,
  ): Promise<boolean> => {
    await forgetOlderSlots(database, runKey, runId)
    if (maxActiveRuns === null) return true
    const place = placeOf({ runId, workflowId: runKey, dagId, date, maxActiveRuns })
    return (await slots.requestSlots(place)).isGranted
  }

  return {
    /**
     * Writes the run's audit row and hands back what the run goes by.
     * @throws BadInput (never retried) when the execution was started with something that means no run
     */
    async startRun(input: StartRunInput): Promise<StartedRun> {
      const { resolved, dagId } = input
      if (!resolved.isValid) throw badInput(resolved.problem)
      const { date, runKey, trigger, params, clear, backfill } = resolved
      const identity = { date, runKey, trigger, params }
      if (!resolved.isCanonical) {
        const past = resolved.ignoresPast ? { ignore_depends_on_past: true } : {}
        const again = { date, params, ...past, ...(clear && { clear }) }
        const { isDouble } = resolved
        return { ...identity, role: 'door', dagId, input: again, ...(isDouble && { isDouble }) }
      }
      if (
        trigger === 'dataset' &&
        clear === null &&
        !(await hasFreshEvents(database, input, identity))
      ) {
        return { ...identity, role: 'nothing_new', dagId }
      }
      const latest = input.rerunWithLatestVersion ?? deps.rerunWithLatestVersion ?? false
      const repair =
        clear && (await findRepair(database, input, identity, withGraph(clear, latest)))
      const before = backfill && (await readRunBefore(database, runKey, input.runId, backfill))
      const run = { ...identity, ...before?.run, ...repair?.run }
      const graph = repair?.graph ?? before?.graph ?? input.graph
      const ignoresPast =
        resolved.ignoresPast || (repair !== null && (await ignoredPast(database, repair.fromRunId)))
      // A backfill has a limit of its own, which does not hold those who clear its runs.
      const isLimitedElsewhere = run.trigger === 'backfill' && repair === null
      // The day that waits for it may hold the last place.
      const isAwaited = repair !== null && graph.tasks.some(({ past }) => past !== undefined)
      const maxActiveRuns = isLimitedElsewhere || isAwaited ? null : input.maxActiveRuns
      const isQueued = !(await takePlace(run, input, maxActiveRuns))
      const events = await inTransaction(database, async (transaction) => {
        await openRun(transaction, { ...input, graph, isQueued, ignoresPast }, run, repair)
        return consumeDatasets(transaction, input, run, repair?.fromRunId)
      })
      return {
        ...{ ...run, role: 'run', graph, hasSearchAttributes, repairs: repair?.repairs ?? null },
        latestUntilMs: alwaysPassesLatestOnly(run.trigger) ? null : input.latestUntilMs,
        dueMs: input.dueMs,
        averageMs: await averageRuntime(database, graph),
        hasPast: !ignoresPast,
        ...{ maxActiveRuns, isQueued },
        ...(events && { events }),
      }
    },

    /** Says that the turn of a queued run has come. */
    async beginTurn({ runId }: { runId: string }): Promise<void> {
      await database.query(
        `update audit.pipeline_runs set state = 'running', started_at = now()
         where run_id = $1 and state = 'queued'`,
        [runId],
      )
    },

    /** Keeps what a person did to a run. */
    async recordIntervention(input: RecordedIntervention): Promise<void> {
      await inTransaction(database, (transaction) => keepIntervention(transaction, input))
    },

    /**
     * Writes how the run has ended; also for a run that was reset and so never wrote its start. An
     * attempt whose end was never written has ended, when is not known, and so has what was left of a run that was
     * reset, of which the run that goes on keeps what it was started with. Gives back all that the run still holds. Pauses the schedule if the DAG asks for it.
     */
    async closeRun(input: CloseRunInput): Promise<void> {
      await database.query(
        `with settled as (
           update audit.task_runs set error = $15,
             state = case coalesce($11::jsonb -> task_id, $11::jsonb -> regexp_replace(task_id, '\\[\\d+\\]$', '')) ->> 'state'
               when 'success' then 'success' when 'cancelled' then 'cancelled' else 'failed' end
           where run_id = $1 and state = 'running'),
         reset as (
           update audit.pipeline_runs set state = 'cancelled', ended_at = now(), error = $14
           where run_key = $2 and run_id <> $1 and state in ('queued', 'running')),
         original as (select * from audit.pipeline_runs where run_id = $13 and run_id <> $1),
         taken_up as (
           insert into audit.dataset_consumptions (run_id, event_id, run_key, dag_id, logical_date)
           select $1, taken.event_id, taken.run_key, taken.dag_id, taken.logical_date
           from audit.dataset_consumptions as taken join original using (run_id)
           on conflict do nothing)
         insert into audit.pipeline_runs
           (run_id, run_key, dag_id, logical_date, trigger, started_at, graph, state, ended_at,
            failed_tasks, error, task_states, outputs, params, backfill_id, cleared_from, ignores_past)
         select $1, $2, $3, $4::date, $5, to_timestamp($6 / 1000.0), $7::jsonb, $8, now(), $9::text[], $10,
           $11::jsonb, $12::jsonb, coalesce(original.params, '{}'), original.backfill_id, original.cleared_from,
           coalesce(original.ignores_past, false)
         from (select) as this left join original on true
         on conflict (run_id) do update set
           state = excluded.state, ended_at = excluded.ended_at, error = excluded.error,
           failed_tasks = excluded.failed_tasks, task_states = excluded.task_states,
           outputs = excluded.outputs`,
        [
          ...[input.runId, input.runKey, input.dagId, input.date, input.trigger, input.startedMs],
          ...[storableJson(input.graph), input.state, input.failedTasks],
          input.error === null ? null : storableText(input.error),
          ...[storableJson(input.taskStates), storableJson(input.outputs), input.originalRunId],
          ...[wasReset, endNotWritten],
        ],
      )
      await slots.releaseSlots({ runId: input.originalRunId })
      await pauseAfterFailures({ database, client }, input)
    },

    /** Waits for a run that another execution started; fails as it fails. */
    async awaitRun({ runKey }: { runKey: string }): Promise<RunResult> {
      return awaitResult(client, runKey)
    },
  }
}

/** What the run is about to read of datasets; undefined for a DAG that no dataset starts. */
async function consumeDatasets(
  transaction: Transaction,
  { dagId, runId, datasets }: StartRunInput,
  { date, runKey }: RunIdentity,
  repairOf: string | undefined,
): Promise<readonly DatasetEvent[] | undefined> {
  if (datasets === undefined) return undefined
  const consumer = { dagId, runId, runKey, date }
  return repairOf === undefined
    ? consumeEvents(transaction, consumer, daysFor(datasets, date))
    : inheritEvents(transaction, consumer, repairOf)
}

/** Whether datasets hold something for the run that no other run of its date has taken up. */
function hasFreshEvents(
  database: Database,
  { dagId, runId, datasets }: StartRunInput,
  { date, runKey }: RunIdentity,
): Promise<boolean> {
  if (datasets === undefined) return Promise.resolve(true)
  return findFreshEvent(database, { dagId, runId, runKey, date }, daysFor(datasets, date))
}
