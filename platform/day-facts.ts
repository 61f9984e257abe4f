import type { Client } from '@temporalio/client'
import type { DayFacts } from '../dag/plan-backfill.ts'
import type { Servers } from './read-ledger.ts'
import { describeExecution, readLedger } from './read-ledger.ts'

export interface SeenDays {
  readonly facts: ReadonlyMap<string, DayFacts>
  /** Backfills of which Temporal has been asked. */
  readonly backfillIds: ReadonlySet<string>
}

/** What a backfill has to know of the days that have run, are running or belong to another one. */
export async function readDayFacts(
  servers: Servers,
  dagId: string,
  dates: readonly string[],
): Promise<SeenDays> {
  const dateIn = (workflowId: string) => {
    const date = workflowId.slice(-10)
    return workflowId === `${dagId}/${date}` ? date : undefined
  }
  const ledger = await readLedger(servers, { dagId, dates, dateIn })
  const claims = await readClaims(servers.database, dagId, dates)
  const heldBy = await findHolders(servers.client, claims)
  const facts = new Map<string, DayFacts>()
  for (const [date, holder] of heldBy) facts.set(date, { state: null, heldBy: holder })
  for (const { date, latest, open } of ledger) {
    const said = latest?.state ?? null
    const isStale = said === 'running' || said === 'queued'
    // A row outlives a run that was terminated.
    const state = open.length > 0 ? 'running' : isStale ? 'cancelled' : said
    facts.set(date, { state, heldBy: heldBy.get(date) ?? null })
  }
  return { facts, backfillIds: new Set(claims.map(({ backfillId }) => backfillId)) }
}

/** A day that a backfill without a written end has before it or is running. */
interface Claim {
  readonly date: string
  readonly backfillId: string
  readonly workflowId: string
}

/** Days that a backfill which goes on has before it or is running, and its workflow id. */
export async function readHolders(
  { client, database }: Servers,
  dagId: string,
  dates: readonly string[],
): Promise<Map<string, string>> {
  return findHolders(client, await readClaims(database, dagId, dates))
}

async function findHolders(client: Client, claims: readonly Claim[]): Promise<Map<string, string>> {
  const goesOn = await findOpen(
    client,
    claims.map((claim) => claim.workflowId),
  )
  const held = claims.filter((claim) => goesOn.has(claim.workflowId))
  return new Map(held.map((claim) => [claim.date, claim.workflowId]))
}

/** What the ledger says alone; whether they go on is not asked. */
export async function readClaims(
  database: Servers['database'],
  dagId: string,
  dates: readonly string[],
): Promise<Claim[]> {
  const { rows } = await database.query<Claim>(
    `select day.logical_date as date, backfill_id as "backfillId", backfill.workflow_id as "workflowId"
     from audit.backfills as backfill
     inner join audit.backfill_days as day using (backfill_id)
     where backfill.dag_id = $1 and backfill.ended_at is null
       and day.reason is null and day.logical_date = any ($2::date[])
       and not exists (
         select from audit.pipeline_runs as run
         where run.dag_id = $1 and run.logical_date = day.logical_date
           and run.backfill_id = day.backfill_id and run.ended_at is not null)
     order by day.ordinal`,
    [dagId, dates],
  )
  return rows
}

/** A backfill that was terminated has not written its end. */
async function findOpen(client: Client, workflowIds: readonly string[]): Promise<Set<string>> {
  const open = new Set<string>()
  for (const workflowId of new Set(workflowIds)) {
    if ((await describeExecution(client, workflowId))?.isOpen) open.add(workflowId)
  }
  return open
}
