import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import type { Transaction } from '../platform/database.ts'
import type { Outcome } from './measure-checks.ts'

/** A run whose checks judged a day. */
export interface JudgingRun {
  readonly runId: string
  readonly dagId: string
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
}

/** Puts what was found of these sources in the place of what the run has on record of them. */
export async function replaceResults(
  transaction: Transaction,
  { runId, dagId, date }: JudgingRun,
  contracts: readonly Contract[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const ofSources = [runId, contracts.map(stagingTable)]
  await transaction.query(
    `delete from audit.dq_failures where run_id = $1 and check_id in (
       select check_id from audit.dq_results where run_id = $1 and table_name = any($2))`,
    ofSources,
  )
  await transaction.query(
    'delete from audit.dq_results where run_id = $1 and table_name = any($2)',
    ofSources,
  )
  await transaction.query(
    `insert into audit.dq_results (run_id, check_id, dag_id, logical_date, table_name, severity,
       is_passed, expected, actual, failed_rows)
     select $1, id, $2, $3, "table", severity, "isPassed", expected, actual, "failedRows"
     from jsonb_to_recordset($4::jsonb) as result (id text, "table" text, severity text,
       "isPassed" boolean, expected text, actual text, "failedRows" bigint)`,
    [runId, dagId, date, JSON.stringify(outcomes.flatMap((outcome) => outcome.results))],
  )
  await transaction.query(
    `insert into audit.dq_failures (run_id, check_id, sample_no, record_key, detail)
     select $1, "checkId", "sampleNo", "recordKey", detail
     from jsonb_to_recordset($2::jsonb) as sample ("checkId" text, "sampleNo" integer,
       "recordKey" text, detail text)`,
    [runId, JSON.stringify(outcomes.flatMap((outcome) => outcome.samples))],
  )
}
