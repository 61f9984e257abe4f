import type { Graph } from '../dag/graph.ts'
import type { ClearRequest } from '../dag/plan-clear.ts'
import { planRepair } from '../dag/plan-repair.ts'
import { recoverRun } from '../dag/recover-run.ts'
import type { Intervention } from '../dag/run-loop/interventions.ts'
import type { Repairs } from '../dag/run-loop/run-graph.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { endWithoutAWord, readEndedRun } from '../platform/ended-run.ts'
import { storableJson, storableText } from '../platform/storable-text.ts'
import { badInput } from './bad-input.ts'
import type { RunIdentity, StartRunInput } from './runs.ts'

export type RecordedIntervention = Intervention & {
  readonly runId: string
  readonly runKey: string
}

/** What a cleared run goes on from. */
export interface Repair {
  readonly fromRunId: string
  readonly graph: Graph
  readonly repairs: Repairs
  readonly run: { readonly params: unknown; readonly trigger: string }
  readonly intervention: Intervention
}

/**
 * The latest run of a key, as a clear or a mark leaves it.
 * @throws BadInput (never retried) when there is none, or nothing in it to clear
 */
export async function findRepair(
  database: Database,
  input: StartRunInput,
  { runKey, params }: RunIdentity,
  request: ClearRequest,
): Promise<Repair> {
  const action = request.mark === undefined ? 'clear' : 'mark'
  const refuse = (why: string) => badInput(`${runKey} cannot be ${action}ed: ${why}`)
  const record = await readEndedRun(database, runKey, input.runId)
  if (record === undefined) throw refuse('it has no run that has ended')
  const ended = recoverRun(record)
  const plan = planRepair(ended, input.graph, request)
  if ('problem' in plan) throw refuse(plan.problem)
  const { graph, tasks, states, marked = [] } = plan
  const kept = Object.entries(ended.outputs).filter(
    ([id]) => states[id]?.state === 'success' || states[id]?.kept !== undefined,
  )
  // A repair keeps the kind of its run: what a schedule made stays a scheduled run.
  const run = {
    params: request.params === 'given' ? params : ended.params,
    trigger: ended.trigger,
  }
  const { by, reason, mark, ...selection } = request
  const given = request.params === 'given' ? { params: run.params } : {}
  const detail =
    mark === undefined
      ? { ...selection, ...given, cleared: tasks }
      : { tasks: marked.map(({ taskId }) => taskId), state: mark, cleared: tasks }
  return {
    ...{ fromRunId: ended.runId, graph, run },
    repairs: { states, outputs: Object.fromEntries(kept) },
    intervention: { action, by, reason, detail },
  }
}

async function insertIntervention(
  database: Transaction,
  { runId, runKey, action, by, reason, detail }: RecordedIntervention,
): Promise<void> {
  await database.query(
    `insert into audit.interventions (run_id, run_key, action, made_by, reason, detail)
     values ($1, $2, $3, $4, $5, $6)`,
    [runId, runKey, action, storableText(by), storableText(reason), storableJson(detail)],
  )
}

/** What a person did to a run that goes on, and the params that it has from then on. */
export async function keepIntervention(
  transaction: Transaction,
  made: RecordedIntervention,
): Promise<void> {
  await insertIntervention(transaction, made)
  if (made.params === undefined) return
  await transaction.query('update audit.pipeline_runs set params = $2 where run_id = $1', [
    made.runId,
    storableJson(made.params),
  ])
}

/** What an older execution of the run key still holds: there is one at a time. */
export async function forgetOlderSlots(
  database: Database,
  runKey: string,
  runId: string,
): Promise<void> {
  await database.query('delete from audit.slot_requests where workflow_id = $1 and run_id <> $2', [
    runKey,
    runId,
  ])
}

/** The first row of a run; what an older execution of its key left open is closed. */
export async function openRun(
  transaction: Transaction,
  input: StartRunInput & { readonly isQueued: boolean; readonly ignoresPast: boolean },
  { runKey, date, trigger, params }: RunIdentity,
  repair: Repair | null,
): Promise<void> {
  const { runId, dagId, startedMs, graph, isQueued, ignoresPast, resolved } = input
  // One run a run key: an older execution that still says `running` was terminated or reset.
  const older = await transaction.query<{ run_id: string }>(
    'select run_id from audit.pipeline_runs where run_key = $1 and run_id <> $2',
    [runKey, runId],
  )
  const olderIds = older.rows.map((row) => row.run_id)
  if (olderIds.length > 0) await endWithoutAWord(transaction, olderIds)
  const opened = await transaction.query<{ is_new: boolean }>(
    `insert into audit.pipeline_runs
       (run_id, run_key, dag_id, logical_date, trigger, started_at, graph, params, state,
        cleared_from, task_states, outputs, backfill_id, ignores_past)
     values ($1, $2, $3, $4, $5, to_timestamp($6 / 1000.0), $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (run_id) do update set state = excluded.state where pipeline_runs.state = 'queued'
     returning xmax = 0 as is_new`,
    [
      ...[runId, runKey, dagId, date, trigger, startedMs, storableJson(graph)],
      ...[storableJson(params ?? {}), isQueued ? 'queued' : 'running', repair?.fromRunId ?? null],
      // What a repair keeps is true from its start, whatever becomes of it.
      ...[storableJson(repair?.repairs.states ?? {}), storableJson(repair?.repairs.outputs ?? {})],
      ...[resolved.isValid ? (resolved.backfill?.id ?? null) : null, ignoresPast],
    ],
  )
  // An activity may run more than once, and a place may have come free since.
  if (repair !== null && opened.rows[0]?.is_new === true) {
    await insertIntervention(transaction, { ...repair.intervention, runId, runKey })
  }
}

/** Whether the run that another goes on from looked at its past. */
export async function ignoredPast(database: Database, runId: string): Promise<boolean> {
  const { rows } = await database.query<{ ignores_past: boolean }>(
    'select ignores_past from audit.pipeline_runs where run_id = $1',
    [runId],
  )
  return rows[0]?.ignores_past ?? false
}
