import type { FailedCheck } from '../domain/mail-checks.ts'
import type { Severity } from '../domain/severity.ts'
import type { Transaction } from '../platform/database.ts'

/** The failed checks of these severities that a run has on record, critical ones first. */
export async function readFailedChecks(
  transaction: Transaction,
  runId: string,
  severities: readonly Severity[],
): Promise<FailedCheck[]> {
  const checks = await transaction.query<FailedCheck>(
    `select check_id as "checkId", table_name as "tableName", severity, expected, actual,
       failed_rows as "failedRows"
     from audit.dq_results
     where run_id = $1 and severity = any ($2) and not is_passed
     order by severity, check_id`,
    [runId, severities],
  )
  return checks.rows
}
