import type { Database } from '../platform/database.ts'

export interface BackfillRow {
  backfill: string
  backfill_id: string
  dag_id: string
  state: string
  started_at: Date
  ended_at: Date | null
  days: number
  success: number
  failed: number
  left_out: number
}

export interface BackfillDayRow {
  ordinal: number
  date: string
  /** Of the run that it made; `waiting` and `left out` where there is none. */
  state: string
  reason: string | null
}

const daysWithState = `
  select day.backfill_id, day.ordinal, day.logical_date as date,
    case when day.reason is not null then 'left out' else coalesce(run.state, 'waiting') end as state,
    coalesce(day.reason, run.error) as reason
  from audit.backfill_days as day
  inner join audit.backfills as backfill using (backfill_id)
  left join lateral (
    select state, error from audit.executions as made
    where made.dag_id = backfill.dag_id and made.logical_date = day.logical_date
      and made.backfill_id = day.backfill_id
    order by made.recency desc limit 1) as run on true`

/** The newest first. */
export async function readBackfills(
  database: Database,
  { dag, limit }: { dag?: string; limit: number },
): Promise<BackfillRow[]> {
  const { rows } = await database.query<BackfillRow>(
    `with chosen as (
       select * from audit.backfills where $1::text is null or dag_id = $1
       order by started_at desc limit $2),
     day as (${daysWithState} where day.backfill_id in (select backfill_id from chosen))
     select workflow_id as backfill, backfill_id, dag_id, chosen.state, started_at, ended_at,
       count(*) as days, count(*) filter (where day.state = 'success') as success,
       count(*) filter (where day.state = 'failed') as failed,
       count(*) filter (where day.state = 'left out') as left_out
     from chosen inner join day using (backfill_id)
     group by workflow_id, backfill_id, dag_id, chosen.state, started_at, ended_at
     order by started_at desc`,
    [dag ?? null, limit],
  )
  return rows
}

/** Every day of a backfill in its place; of the latest one where the workflow id had several. */
export async function readBackfillDays(
  database: Database,
  backfill: string,
): Promise<BackfillDayRow[]> {
  const { rows } = await database.query<BackfillDayRow>(
    `${daysWithState}
     where day.backfill_id = (
       select backfill_id from audit.backfills where $1 in (workflow_id, backfill_id)
       order by started_at desc limit 1)
     order by day.ordinal`,
    [backfill],
  )
  return rows.map(({ ordinal, date, state, reason }) => ({ ordinal, date, state, reason }))
}
