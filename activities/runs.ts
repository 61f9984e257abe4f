import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity'
import type { Client } from '@temporalio/client'
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client'
import type { Graph } from '../dag/graph.ts'
import type { BackfillInput } from '../dag/plan-backfill.ts'
import type { TaskStates } from '../dag/reducer.ts'
import type { ResolvedRun } from '../dag/resolve-run.ts'
import { failureTypes } from '../domain/failures.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { inTransaction } from '../platform/database.ts'
import type { RunResult } from '../workflows/run-dag.ts'

export interface StartRunInput {
  readonly dagId: string
  readonly runId: string
  readonly startedMs: number
  readonly resolved: ResolvedRun
  readonly graph: Graph
}

interface RunIdentity {
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
    })
  | (RunIdentity & { readonly role: 'door'; readonly dagId: string })

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
}

/** What was asked for, resolved by the workflow: recorded before anything depends on it. */
export type BackfillStart =
  | { readonly problem: string }
  | { readonly input: BackfillInput; readonly concurrency: number; readonly dates: string[] }

export interface StartedBackfill {
  readonly input: BackfillInput
  readonly concurrency: number
  readonly days: { date: string; latestState: string | null }[]
}

export interface RunDeps {
  readonly database: Database
  readonly client: Client
  readonly hasSearchAttributes: boolean
}

export type RunActivities = ReturnType<typeof createRunActivities>

/** What every run needs beside its tasks. Repeatable, as every activity may run more than once. */
export function createRunActivities({ database, client, hasSearchAttributes }: RunDeps) {
  return {
    /**
     * Writes the run's audit row and hands back what the run goes by.
     * @throws BadInput (never retried) when the execution was started with something that means no run
     */
    async startRun(input: StartRunInput): Promise<StartedRun> {
      const { resolved, dagId, graph } = input
      if (!resolved.isValid) {
        throw ApplicationFailure.nonRetryable(resolved.problem, failureTypes.badInput)
      }
      const { date, runKey, trigger, params } = resolved
      const identity = { date, runKey, trigger, params }
      if (!resolved.isCanonical) return { ...identity, role: 'door', dagId }
      await inTransaction(database, (transaction) => openRun(transaction, input, identity))
      return { ...identity, role: 'run', graph, hasSearchAttributes }
    },

    /** Writes how the run has ended; also for a run that was reset and so never wrote its start. */
    async closeRun(input: CloseRunInput): Promise<void> {
      await database.query(
        `insert into audit.pipeline_runs
           (run_id, run_key, dag_id, logical_date, trigger, started_at, graph, state, ended_at,
            failed_tasks, error, task_states)
         values ($1, $2, $3, $4, $5, to_timestamp($6 / 1000.0), $7, $8, now(), $9, $10, $11)
         on conflict (run_id) do update set
           state = excluded.state, ended_at = excluded.ended_at, error = excluded.error,
           failed_tasks = excluded.failed_tasks, task_states = excluded.task_states`,
        [
          ...[input.runId, input.runKey, input.dagId, input.date, input.trigger, input.startedMs],
          ...[JSON.stringify(input.graph), input.state, input.failedTasks, input.error],
          JSON.stringify(input.taskStates),
        ],
      )
    },

    /** Waits for a run that another execution started; fails as it fails. */
    async awaitRun({ runKey }: { runKey: string }): Promise<RunResult> {
      return awaitResult(client, runKey)
    },

    /**
     * The days of a backfill, with why each that is left out is.
     * @throws BadInput (never retried) when the range means no days
     */
    async startBackfill(start: BackfillStart): Promise<StartedBackfill> {
      if ('problem' in start) {
        throw ApplicationFailure.nonRetryable(start.problem, failureTypes.badInput)
      }
      const { input, concurrency, dates } = start
      const latest = await latestStates(database, input.dagId, dates)
      const days = dates.map((date) => ({ date, latestState: latest.get(date) ?? null }))
      return { input, concurrency, days }
    },
  }
}

async function latestStates(
  database: Database,
  dagId: string,
  dates: string[],
): Promise<Map<string, string>> {
  const latest = await database.query<{ date: string; state: string }>(
    `select distinct on (logical_date) logical_date as date, state from audit.pipeline_runs
     where dag_id = $1 and logical_date = any ($2::date[])
     order by logical_date, started_at desc`,
    [dagId, dates],
  )
  return new Map(latest.rows.map(({ date, state }) => [date, state]))
}

async function openRun(
  transaction: Transaction,
  { runId, dagId, startedMs, graph }: StartRunInput,
  { runKey, date, trigger }: RunIdentity,
): Promise<void> {
  // One run a run key: an older row that still says `running` was terminated or reset.
  await transaction.query(
    `update audit.pipeline_runs
     set state = 'cancelled', ended_at = now(), error = 'ended without a word: terminated or reset'
     where run_key = $1 and run_id <> $2 and state = 'running'`,
    [runKey, runId],
  )
  await transaction.query(
    `update audit.task_runs set state = 'cancelled', ended_at = now(), error = 'its run was terminated or reset'
     where run_key = $1 and run_id <> $2 and state = 'running'`,
    [runKey, runId],
  )
  await transaction.query(
    `insert into audit.pipeline_runs
       (run_id, run_key, dag_id, logical_date, trigger, state, started_at, graph)
     values ($1, $2, $3, $4, $5, 'running', to_timestamp($6 / 1000.0), $7)
     on conflict (run_id) do nothing`,
    [runId, runKey, dagId, date, trigger, startedMs, JSON.stringify(graph)],
  )
}

const waitMs = 20_000
const heartbeatEveryMs = 5_000

/** Waits a while, then gives its slot on the worker back and comes again: tasks need the slots. */
async function awaitResult(client: Client, runKey: string): Promise<RunResult> {
  const context = Context.current()
  const handle = client.workflow.getHandle<() => Promise<RunResult>>(runKey)
  const heartbeat = setInterval(() => {
    context.heartbeat()
  }, heartbeatEveryMs)
  try {
    return await client.withDeadline(Date.now() + waitMs, () =>
      client.withAbortSignal(context.cancellationSignal, () => handle.result()),
    )
  } catch (error) {
    throw asFailure(error, runKey)
  } finally {
    clearInterval(heartbeat)
  }
}

function asFailure(error: unknown, runKey: string): unknown {
  const { cancellationSignal } = Context.current()
  if (cancellationSignal.aborted) return new CancelledFailure(`No longer waiting for ${runKey}`)
  if (error instanceof WorkflowFailedError) return asRunFailure(error, runKey)
  if (error instanceof WorkflowNotFoundError) {
    return ApplicationFailure.nonRetryable(`There is no run ${runKey} to wait for`, 'RunNotFound')
  }
  const message = `${runKey} has not ended yet, or cannot be reached`
  const cause = error instanceof Error ? { cause: error } : {}
  return ApplicationFailure.create({
    message,
    type: 'RunNotEnded',
    nextRetryDelay: '1 second',
    ...cause,
  })
}

function asRunFailure(error: WorkflowFailedError, runKey: string): ApplicationFailure {
  const { cause } = error
  if (!(cause instanceof ApplicationFailure)) {
    const words = cause?.message ?? error.message
    return ApplicationFailure.nonRetryable(
      `${runKey} did not end by itself: ${words}`,
      failureTypes.dagRunFailed,
    )
  }
  return ApplicationFailure.nonRetryable(cause.message, cause.type, ...(cause.details ?? []))
}
