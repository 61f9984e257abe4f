import type { Graph } from '../dag/graph.ts'
import type { TaskStates } from '../dag/task-state.ts'
import type { Database } from './database.ts'

export interface EndedRun {
  readonly runId: string
  readonly trigger: string
  readonly graph: Graph
  readonly states: TaskStates
  readonly outputs: Readonly<Record<string, unknown>>
  readonly params: Readonly<Record<string, unknown>>
}

/** The latest execution of a run key that came to its end, but for one: what a clear goes on from. */
export async function readEndedRun(
  database: Pick<Database, 'query'>,
  runKey: string,
  exceptRunId = '',
): Promise<EndedRun | undefined> {
  const { rows } = await database.query<EndedRun>(
    `select run_id as "runId", trigger, graph, task_states as states, outputs, params
     from audit.pipeline_runs
     where run_key = $1 and run_id <> $2 and ended_at is not null and task_states <> '{}'
     order by started_at desc limit 1`,
    [runKey, exceptRunId],
  )
  return rows[0]
}
