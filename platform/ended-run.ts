import type { Graph } from '../dag/graph.ts'
import type { RecordedStep } from '../dag/recover-run.ts'
import type { TaskStates } from '../dag/task-state.ts'
import type { Database } from './database.ts'

export interface EndedRun {
  readonly runId: string
  readonly trigger: string
  readonly graph: Graph
  /** As its end recorded them; of a run that has no end on record, those that it began with. */
  readonly states: TaskStates
  readonly outputs: Readonly<Record<string, unknown>>
  readonly params: Readonly<Record<string, unknown>>
  /** What happened in a run that has no end on record, oldest first; null for all others. */
  readonly steps: readonly RecordedStep[] | null
}

/**
 * What others write on the row of a run that has ended and written no end: its states are those that
 * it began with. The order of audit.executions (migration 0014) goes by these words too.
 */
export const endedWithoutAWord = 'ended without a word: terminated or reset'
/** The same, written by the end of the execution that went on after a reset. */
export const wasReset = 'it was reset'
/** Of an attempt of which only its run knows how it ended: a crash of PostgreSQL took its end back. */
export const endNotWritten = 'its end was not written'

/**
 * The latest execution of a run key of which something ran, but for one: what a clear goes on from.
 * Only to be asked when none goes on: one without an end was terminated.
 */
export async function readEndedRun(
  database: Pick<Database, 'query'>,
  runKey: string,
  exceptRunId = '',
): Promise<EndedRun | undefined> {
  const { rows } = await database.query<EndedRun & { isRecorded: boolean }>(
    `select run_id as "runId", trigger, graph, task_states as states, outputs, params,
       ended_at is not null and task_states <> '{}' and coalesce(error, '') <> all ($3::text[])
         as "isRecorded"
     from audit.executions as run
     where run_key = $1 and run_id <> $2 and (task_states <> '{}' or exists (
       select from audit.task_runs as attempt where attempt.run_id = run.run_id))
     order by recency desc limit 1`,
    [runKey, exceptRunId, [endedWithoutAWord, wasReset]],
  )
  const [row] = rows
  if (row === undefined) return undefined
  const { isRecorded, ...run } = row
  return { ...run, steps: isRecorded ? null : await readSteps(database, runKey, run.runId) }
}

/** Attempts of tasks, and what people did, in the order of time. */
async function readSteps(
  database: Pick<Database, 'query'>,
  runKey: string,
  runId: string,
): Promise<RecordedStep[]> {
  const { rows } = await database.query<RecordedStep>(
    `select task_id as "taskId", state, coalesce(error, '') as reason, attempt, null as decision,
       null as by, started_at as at
     from audit.task_runs where run_id = $1
     union all
     select task ->> 'taskId', 'none', 'it was cleared', null, null, null, made_at
     from audit.interventions, jsonb_array_elements(detail -> 'cleared') as task
     where run_key = $2 and run_id = $1
     union all
     select task, detail ->> 'state', 'marked by ' || made_by, null, null, null, made_at
     from audit.interventions, jsonb_array_elements_text(detail -> 'tasks') as task
     where run_key = $2 and run_id = $1 and action = 'mark'
     union all
     select detail ->> 'task', 'success', reason, null, detail ->> 'decision', made_by, made_at
     from audit.interventions
     where run_key = $2 and run_id = $1 and action = 'decide'
     order by at, attempt nulls last`,
    [runId, runKey],
  )
  return rows
}

/** Writes the end of executions that wrote none, and of their attempts. Returns how many had none. */
export async function endWithoutAWord(
  database: Pick<Database, 'query'>,
  runIds: readonly string[],
): Promise<number> {
  const ended = await database.query(
    `with attempts as (
       update audit.task_runs set state = 'cancelled', ended_at = now(),
         error = 'its run was terminated or reset'
       where run_id = any ($1) and state = 'running')
     update audit.pipeline_runs set state = 'cancelled', ended_at = now(), error = $2
     where run_id = any ($1) and state in ('queued', 'running')`,
    [runIds, endedWithoutAWord],
  )
  return ended.rowCount ?? 0
}
