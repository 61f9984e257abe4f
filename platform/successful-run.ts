import type { Database } from './database.ts'

export interface SuccessfulRun {
  runKey: string
  runId: string
}

/** The latest run of a DAG for a date, if that was a success. */
export async function findSuccessfulRun(
  database: Database,
  { dagId, date }: { readonly dagId: string; readonly date: string },
): Promise<SuccessfulRun | undefined> {
  const { rows } = await database.query<SuccessfulRun & { state: string }>(
    `select run_key as "runKey", run_id as "runId", state from audit.executions
     where dag_id = $1 and logical_date = $2
     order by recency desc limit 1`,
    [dagId, date],
  )
  const [latest] = rows
  if (latest?.state !== 'success') return undefined
  return { runKey: latest.runKey, runId: latest.runId }
}
