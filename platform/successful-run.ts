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
    `select run_key as "runKey", run_id as "runId", state from audit.pipeline_runs
     where dag_id = $1 and logical_date = $2
     order by started_at desc limit 1`,
    [dagId, date],
  )
  const [latest] = rows
  if (latest?.state !== 'success') return undefined
  return { runKey: latest.runKey, runId: latest.runId }
}
