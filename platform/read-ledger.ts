import type { Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { LedgerDay } from '../dag/find-gaps.ts'
import type { LedgerQuestion } from '../dag/hold-against-calendar.ts'
import type { Database } from './database.ts'
import { endedWithoutAWord } from './ended-run.ts'

export interface Servers {
  readonly client: Client
  readonly database: Pick<Database, 'query'>
}

/** What the audit rows and Temporal say of each of the dates that has a run or is running. */
export async function readLedger(
  { database, client }: Servers,
  { dagId, dates, dateIn }: LedgerQuestion,
): Promise<LedgerDay[]> {
  const rows = await readRows(database, dagId, dates)
  const days = new Map<string, LedgerDay>()
  for (const { date, state, error } of rows) {
    const latest = { state, error, isCutOff: error === endedWithoutAWord }
    days.set(date, { date, latest, open: [], closedAs: null })
  }
  const saidRunning = new Map(rows.map((row) => [row.date, row.running_run_ids]))
  const open = await listOpenDates(client, dagId, dateIn)
  const doubtful = rows.filter((row) => row.running_run_ids.length > 0).map((row) => row.date)
  for (const date of new Set([...doubtful, ...dates.filter((each) => open.has(each))])) {
    const asked = await askTemporal(client, `${dagId}/${date}`, saidRunning.get(date) ?? [])
    const leading = asked.open.length === 0 ? await stillOpen(client, open.get(date)) : undefined
    const leads = leading === undefined ? {} : { open: [leading], closedAs: null }
    days.set(date, { date, latest: days.get(date)?.latest ?? null, ...asked, ...leads })
  }
  return [...days.values()]
}

interface LedgerRow {
  date: string
  state: 'queued' | 'running' | 'success' | 'failed' | 'cancelled'
  error: string | null
  running_run_ids: string[]
}

async function readRows(
  database: Servers['database'],
  dagId: string,
  dates: readonly string[],
): Promise<LedgerRow[]> {
  const { rows } = await database.query<LedgerRow>(
    `select distinct on (logical_date) logical_date as date, state, error,
       coalesce(
         array_agg(run_id) filter (where state in ('queued', 'running')) over (partition by logical_date), '{}'
       ) as running_run_ids
     from audit.executions
     where dag_id = $1 and logical_date = any ($2::date[])
     order by logical_date, recency desc`,
    [dagId, dates],
  )
  return rows
}

/** Dates with an open execution, also those that wait for a worker and have no row yet. */
async function listOpenDates(
  client: Client,
  dagId: string,
  dateIn: LedgerQuestion['dateIn'],
): Promise<Map<string, Listed>> {
  const query = `WorkflowType = '${dagId}' and ExecutionStatus = 'Running'`
  const dates = new Map<string, Listed>()
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const date = dateIn(workflowId)
    if (date !== undefined) dates.set(date, { workflowId, runId })
  }
  return dates
}

interface Listed {
  readonly workflowId: string
  readonly runId: string
}

/**
 * One that only leads to the run counts while the run is not there. The list is seconds behind: what
 * it has as open is asked for.
 */
async function stillOpen(client: Client, listed: Listed | undefined): Promise<string | undefined> {
  if (listed === undefined) return undefined
  const execution = await describeExecution(client, listed.workflowId, listed.runId)
  return execution?.isOpen ? execution.runId : undefined
}

type Asked = Pick<LedgerDay, 'open' | 'closedAs'>

/** Asks for the current execution, which a reset gives another id, and for those of the rows. */
export async function askTemporal(
  client: Client,
  runKey: string,
  runIds: string[],
): Promise<Asked> {
  const open = new Set<string>()
  let closedAs: string | null = null
  for (const runId of [...runIds, undefined]) {
    const execution = await describeExecution(client, runKey, runId)
    if (execution?.isOpen) open.add(execution.runId)
    else closedAs = execution?.status ?? closedAs
  }
  return { open: [...open], closedAs: open.size > 0 ? null : closedAs }
}

export async function describeExecution(client: Client, workflowId: string, runId?: string) {
  try {
    const { status, ...execution } = await client.workflow.getHandle(workflowId, runId).describe()
    const isOpen = status.name === 'RUNNING' || status.name === 'PAUSED'
    return { runId: execution.runId, status: status.name, isOpen }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}

/**
 * The first date for which the schedule made a run in its time; undefined when it has made none. A run
 * that somebody made later, by a backfill of the schedule, begins no history.
 */
export async function readFirstScheduledDate(
  database: Servers['database'],
  dagId: string,
): Promise<string | undefined> {
  // In its time: the day after, some hours for the zone, a day for a tick that is late.
  const { rows } = await database.query<{ date: string | null }>(
    `select min(logical_date) as date from audit.pipeline_runs
     where dag_id = $1 and trigger = 'schedule' and started_at < logical_date + interval '4 days'`,
    [dagId],
  )
  return rows[0]?.date ?? undefined
}
