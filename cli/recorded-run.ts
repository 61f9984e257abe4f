import type { Graph } from '../dag/graph.ts'
import type { TaskState, TaskStates, TaskStatus } from '../dag/task-state.ts'
import type { Database } from '../platform/database.ts'
import { endNotWritten } from '../platform/ended-run.ts'
import { UsageError } from './exit-codes.ts'

export interface RecordedRun {
  readonly run_id: string
  readonly run_key: string
  readonly dag_id: string
  readonly logical_date: string
  readonly state: 'queued' | 'running' | 'success' | 'failed' | 'cancelled'
  readonly started_at: Date
  readonly ended_at: Date | null
  readonly graph: Graph
  readonly error: string | null
  /** Written when a run ends. */
  readonly task_states: TaskStates
}

export type AttemptState = 'running' | 'success' | 'failed' | 'cancelled'

export interface AttemptRow {
  readonly task_id: string
  readonly attempt: number
  readonly state: AttemptState
  readonly started_at: Date
  /** null also when it has ended, but its end was not written. */
  readonly ended_at: Date | null
  readonly error: string | null
}

/** A run key as people write it: of a date alone, that of the DAG. A run id stays what it is. */
export function runKeyFrom(run: string, dagId: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(run) ? `${dagId}/${run}` : run
}

/** The latest execution of a run key, or the one of a run id; undefined if there is none. */
export async function findRun(database: Database, key: string): Promise<RecordedRun | undefined> {
  const { rows } = await database.query<RecordedRun>(
    `select run_id, run_key, dag_id, logical_date, state, started_at, ended_at, graph, error, task_states
     from audit.executions where run_key = $1 or run_id = $1
     order by recency desc limit 1`,
    [key],
  )
  return rows[0]
}

/** @throws UsageError when there is no such run */
export async function requireRun(
  database: Database,
  run: string,
  dagId: string,
): Promise<RecordedRun> {
  const key = runKeyFrom(run, dagId)
  const found = await findRun(database, key)
  if (found !== undefined) return found
  throw new UsageError(`error: there is no run ${key}; \`daybook runs\` lists those there are`)
}

export async function readAttempts(database: Database, runId: string): Promise<AttemptRow[]> {
  const { rows } = await database.query<AttemptRow>(
    `select task_id, attempt, state, started_at, ended_at, error
     from audit.task_runs where run_id = $1 order by started_at, task_id, attempt`,
    [runId],
  )
  return rows
}

interface LatestTry extends Pick<AttemptRow, 'task_id' | 'attempt' | 'state' | 'error'> {
  readonly display_name: string | null
}

/** Of a task or an instance, over all executions of a run key. */
export async function readLatestTry(
  database: Database,
  runKey: string,
  taskId: string,
): Promise<LatestTry | undefined> {
  const { rows } = await database.query<LatestTry>(
    `select task_id, display_name, attempt, state, error
     from audit.task_runs where run_key = $1 and task_id = $2
     order by started_at desc, attempt desc limit 1`,
    [runKey, taskId],
  )
  return rows[0]
}

/**
 * The states that a run recorded at its end; where it has recorded none, what its attempts tell. Only a run
 * that goes on tries again.
 */
export function statesOf(
  run: Pick<RecordedRun, 'graph' | 'task_states'>,
  attempts: readonly AttemptRow[],
  goesOn: boolean,
): TaskStates {
  if (Object.keys(run.task_states).length > 0) return run.task_states
  const states = new Map<string, TaskStatus>()
  for (const attempt of attempts) {
    const { task_id, error } = attempt
    const state = goesOn ? stateAfter(run.graph, attempt) : attempt.state
    states.set(task_id, { state, reason: error ?? '' })
  }
  return Object.fromEntries(states)
}

type EndedRow = Pick<AttemptRow, 'task_id' | 'state' | 'ended_at' | 'error'>

/**
 * Attempts as the states have them: one whose end was never written ended with its task, when is not
 * known. The run writes so itself when the next task begins, or when it ends.
 */
export function settle<Row extends EndedRow>(attempts: readonly Row[], states: TaskStates): Row[] {
  return attempts.map((attempt) => {
    const { task_id: id } = attempt
    const state = (states[id] ?? states[id.replace(/\[\d+\]$/, '')])?.state ?? 'running'
    const goesOn = state === 'running' || state === 'restarting'
    if (attempt.state !== 'running' || goesOn) return attempt
    const ended = state === 'success' || state === 'cancelled' ? state : 'failed'
    return { ...attempt, state: ended, ended_at: null, error: endNotWritten }
  })
}

function stateAfter(graph: Graph, { task_id, attempt, state }: AttemptRow): TaskState {
  // What a run does beside its tasks, such as telling of a failure, has attempts too.
  const task = graph.tasks.find(({ id }) => id === task_id)
  const isTriedAgain = state === 'failed' && attempt <= (task?.retries ?? 0)
  return isTriedAgain ? 'up_for_retry' : state
}
