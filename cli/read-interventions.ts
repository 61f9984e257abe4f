import type { Database } from '../platform/database.ts'
import { instant, printLine, printTable } from './print.ts'

export interface InterventionRow {
  made_at: Date
  action: string
  /** The state of a mark, or the decision of an approval. */
  outcome: string | null
  tasks: string | null
  made_by: string
  reason: string
}

/** What people did to the run of a day, in all its executions. */
export async function readInterventions(
  database: Database,
  runKey: string,
): Promise<InterventionRow[]> {
  const { rows } = await database.query<InterventionRow>(
    `select made_at, action, coalesce(detail ->> 'state', detail ->> 'decision') as outcome,
       case when action = 'clear' then (
         select string_agg(concat(task ->> 'taskId', '[' || (task ->> 'instances') || ']'), ', ')
         from jsonb_array_elements(detail -> 'cleared') as task
       ) else coalesce(
         (select string_agg(task, ', ') from jsonb_array_elements_text(detail -> 'tasks') as task),
         detail ->> 'task'
       ) end as tasks,
       made_by, reason
     from audit.interventions where run_key = $1 order by intervention_id`,
    [runKey],
  )
  return rows
}

export function printInterventions(rows: readonly InterventionRow[]): void {
  if (rows.length === 0) return
  printLine('\nInterventions')
  const cells = rows.map(({ made_at, action, outcome, tasks, made_by, reason }) => [
    ...[instant(made_at), outcome === null ? action : `${action}: ${outcome}`, tasks],
    ...[made_by, reason],
  ])
  printTable(['at (UTC)', 'what', 'tasks', 'by', 'reason'], cells, '')
}
