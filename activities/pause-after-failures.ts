import type { Servers } from '../platform/read-ledger.ts'
import { readSchedule } from '../platform/read-schedule.ts'
import { storableJson } from '../platform/storable-text.ts'
import type { CloseRunInput } from './runs.ts'

/**
 * Airflow's max_consecutive_failed_dag_runs: pauses the schedule when the runs of the newest dates,
 * so many as the DAG says, have all failed. Repeatable; what a person has paused keeps his note.
 */
export async function pauseAfterFailures(
  { database, client }: Servers,
  run: CloseRunInput,
): Promise<void> {
  const { dagId, maxConsecutiveFailedRuns: limit } = run.graph
  if (limit === undefined || run.state !== 'failed') return
  const dates = await newestFailedDates(database, dagId, limit)
  if (dates.length < limit) return
  const schedule = await readSchedule(client, dagId)
  if (schedule === undefined || schedule.isPaused) return
  const note = noteOf(dagId, dates)
  await keepReason(database, run, note, dates)
  await client.schedule.getHandle(dagId).pause(note)
}

/** Of the newest so many dates those whose latest run has failed, oldest first. */
async function newestFailedDates(database: Servers['database'], dagId: string, limit: number) {
  const { rows } = await database.query<{ date: string; state: string }>(
    `select * from (
       select distinct on (logical_date) logical_date as date, state from audit.executions
       where dag_id = $1
       order by logical_date desc, recency desc) as latest
     order by date desc limit $2`,
    [dagId, limit],
  )
  const failed = rows.filter(({ state }) => state === 'failed')
  return failed.map(({ date }) => date).toReversed()
}

function noteOf(dagId: string, dates: readonly string[]): string {
  const runs = dates.length === 1 ? 'the newest run' : `the ${dates.length} newest runs`
  const what = dates.length <= 3 ? dates.join(', ') : `${dates[0]} to ${dates.at(-1)}`
  return (
    `paused by Daybook: ${runs} failed (${what}), as many as maxConsecutiveFailedRuns allows. ` +
    `Mend the cause and clear or run them again, then: temporal schedule toggle --schedule-id ${dagId} --unpause`
  )
}

async function keepReason(
  database: Servers['database'],
  { runId, runKey, dagId }: CloseRunInput,
  reason: string,
  failedDates: readonly string[],
): Promise<void> {
  // Written before the pause, and once: an activity may run more than once.
  await database.query(
    `insert into audit.interventions (run_id, run_key, action, made_by, reason, detail)
     select $1, $2, 'pause', 'daybook', $3, $4
     where not exists (
       select from audit.interventions where run_key = $2 and run_id = $1 and action = 'pause' and made_by = 'daybook')`,
    [runId, runKey, reason, storableJson({ schedule: dagId, failedDates })],
  )
}
