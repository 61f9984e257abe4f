import type { Database } from '../platform/database.ts'
import { formatTable, seconds } from './print.ts'

/** One day of a DAG as its last run left it. */
export interface DaySummary {
  date: string
  state: string
  received: number
  loaded: number
  quarantined: number
  duplicates: number
  checksPassed: number
  checksWarned: number
  /** Critical and error checks that failed: the day was not published, or a person let it pass. */
  checksFailed: number
  anomalies: number
  mails: number
  seconds: number | null
}

/**
 * What became of each day, oldest first. Files count for the run of the DAG that booked them; an
 * order is unusual for the day whose run scored it.
 */
export async function readSummary(database: Database, dagId: string): Promise<DaySummary[]> {
  const { rows } = await database.query<DaySummary>(summarySql, [dagId])
  return rows
}

const summarySql = `
with
last_runs as (
    select distinct on (logical_date) logical_date, run_id, run_key, state, seconds
    from audit.executions
    where dag_id = $1
    order by logical_date, recency desc
),
shops as (
    select distinct publication.shop_id
    from audit.publications as publication
    inner join audit.pipeline_runs as run using (run_id)
    where run.dag_id = $1
),
files as (
    select
        file.load_date,
        sum(file.records_received) as received,
        sum(file.records_loaded) as loaded,
        sum(file.records_quarantined) as quarantined,
        sum(file.records_duplicate) as duplicates
    from audit.source_files as file
    inner join audit.pipeline_runs as run using (run_id)
    where run.dag_id = $1 and file.state <> 'superseded'
    group by file.load_date
),
checks as (
    select
        run_id,
        count(*) filter (where is_passed) as passed,
        count(*) filter (where not is_passed and severity = 'warn') as warned,
        count(*) filter (where not is_passed and severity in ('error', 'critical')) as failed
    from audit.standing_checks
    group by run_id
),
mails as (
    select run_key, count(*) as mails from audit.outbox group by run_key
)
select
    run.logical_date as "date",
    run.state,
    coalesce(files.received, 0)::bigint as received,
    coalesce(files.loaded, 0)::bigint as loaded,
    coalesce(files.quarantined, 0)::bigint as quarantined,
    coalesce(files.duplicates, 0)::bigint as duplicates,
    coalesce(checks.passed, 0)::bigint as "checksPassed",
    coalesce(checks.warned, 0)::bigint as "checksWarned",
    coalesce(checks.failed, 0)::bigint as "checksFailed",
    (
        select count(*) from warehouse.order_scores as score
        where score.order_date = run.logical_date and score.shop_id in (select shop_id from shops)
    ) + (
        select count(*) from warehouse.metric_scores as metric
        where metric.metric_date = run.logical_date and metric.is_anomaly and metric.shop_id in (select shop_id from shops)
    ) as anomalies,
    coalesce(mails.mails, 0)::bigint as mails,
    run.seconds::float8 as seconds
from last_runs as run
left join files on files.load_date = run.logical_date
left join checks on checks.run_id = run.run_id
left join mails on mails.run_key = run.run_key
order by run.logical_date`

export function formatSummary(days: DaySummary[]): string {
  const rows = days.map((day) => [
    ...[day.date, day.state, day.received, day.loaded, day.quarantined, day.duplicates],
    ...[day.checksPassed, day.checksWarned, day.checksFailed],
    ...[day.anomalies, day.mails, seconds(day.seconds)],
  ])
  const titles = [
    ...['day', 'state', 'received', 'loaded', 'quarantined', 'duplicates'],
    ...['checks passed', 'warned', 'failed', 'anomalies', 'mails', 'seconds'],
  ]
  return formatTable(titles, rows)
}

export function failedDays(days: DaySummary[]): DaySummary[] {
  return days.filter((day) => day.state !== 'success')
}
