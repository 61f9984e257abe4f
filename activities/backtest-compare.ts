import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import type { Transaction } from '../platform/database.ts'

export interface PublishedDay {
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  /** The run whose checks let the day pass. */
  readonly checkedBy: string
  readonly isRedelivered: boolean
  readonly received: number
}

/** A record that is judged otherwise than when its day was published. */
export interface MovedRecord {
  readonly record: string
  readonly moved: 'enters' | 'leaves'
  /** The rules that it breaks now, or broke. */
  readonly rules: readonly string[]
}

export interface RuleCount {
  readonly rule: string
  /** Records in quarantine that break it. */
  readonly recorded: number
  readonly now: number
}

export interface JudgedCheck {
  readonly id: string
  readonly severity: string
  readonly isPassed: boolean
  readonly expected: string
  readonly actual: string
}

/** Moved records shown of a day, each way. */
const samplesEachWay = 5

/** The published days of a source with a delivery, of the last days up to the newest of them. */
export async function daysToJudge(
  transaction: Transaction,
  { source }: Contract,
  days: number,
): Promise<PublishedDay[]> {
  const { rows } = await transaction.query<PublishedDay>(
    `with delivered as (
       select load_date, max(received_at) as received_at, sum(records_received) as received
       from audit.source_files where source = $1 and state <> 'superseded' group by load_date
     ),
     published as (
       select load.load_date as date, load.run_id as "checkedBy",
         delivered.received_at > load.published_at as "isRedelivered",
         delivered.received::bigint as received
       from audit.published_loads as load
       inner join delivered on delivered.load_date = load.load_date
       where load.source = $1
     )
     select * from published
     where date > (select max(date) from published) - $2::integer order by date`,
    [source, days],
  )
  return rows
}

export async function recordedChecks(
  transaction: Transaction,
  contract: Contract,
  { checkedBy }: PublishedDay,
): Promise<JudgedCheck[]> {
  const { rows } = await transaction.query<JudgedCheck>(
    `select check_id as id, severity, is_passed as "isPassed", expected, actual
     from audit.dq_results where run_id = $1 and table_name = $2 order by check_id`,
    [checkedBy, stagingTable(contract)],
  )
  return rows
}

/** Both quarantines of a day: the one on record, and the one in the temporary table of that name. */
const bothQuarantines = `
  recorded as (
    select file_id, record_no, rules from audit.bad_records
    where source = $1 and load_date = $2 and file_id in (
      select file_id from audit.source_files where source = $1 and state <> 'superseded')
  ),
  judged_now as (select file_id, record_no, rules from pg_temp.bad_records)`

export async function compareRecords(transaction: Transaction, { source }: Contract, date: string) {
  const counted = await transaction.query<Record<'recorded' | 'now' | 'entering', number>>(
    `with ${bothQuarantines}
     select count(recorded) as recorded, count(judged_now) as now,
       count(*) filter (where recorded is null) as entering
     from recorded full join judged_now using (file_id, record_no)`,
    [source, date],
  )
  const { recorded = 0, now = 0, entering = 0 } = counted.rows[0] ?? {}
  const leaving = recorded + entering - now
  return {
    records: {
      ...{ quarantined: { recorded, now }, entering, leaving },
      samples: await movedRecords(transaction, source, date),
    },
    rules: await ruleCounts(transaction, source, date),
  }
}

async function movedRecords(
  transaction: Transaction,
  source: string,
  date: string,
): Promise<MovedRecord[]> {
  const { rows } = await transaction.query<MovedRecord>(
    `with ${bothQuarantines},
     moved as (
       select file.path || ':' || record_no as record,
         case when recorded is null then 'enters' else 'leaves' end as moved,
         coalesce(judged_now.rules, recorded.rules) as rules,
         row_number() over (partition by recorded is null order by file.path, record_no) as place
       from recorded
       full join judged_now using (file_id, record_no)
       inner join audit.source_files as file using (file_id)
       where recorded is null or judged_now is null
     )
     select record, moved, rules from moved where place <= $3 order by moved, place`,
    [source, date, samplesEachWay],
  )
  return rows
}

async function ruleCounts(
  transaction: Transaction,
  source: string,
  date: string,
): Promise<RuleCount[]> {
  const { rows } = await transaction.query<RuleCount>(
    `with ${bothQuarantines},
     broken as (
       select unnest(rules) as rule, 1 as recorded, 0 as now from recorded
       union all
       select unnest(rules) as rule, 0 as recorded, 1 as now from judged_now
     )
     select rule, sum(recorded)::bigint as recorded, sum(now)::bigint as now
     from broken group by rule order by rule`,
    [source, date],
  )
  return rows
}
