import { recordsOf, type JudgeInput } from '../domain/contracts/fields-sql.ts'
import { problemsSelect } from '../domain/contracts/judge-sql.ts'
import type { Transaction } from '../platform/database.ts'

/**
 * Keeps the day's bad records of the temporary table `judged` in audit.bad_records, complete and with
 * every broken rule; records that are good now leave. A record that stays keeps its first row.
 */
export async function quarantine(
  transaction: Transaction,
  judge: JudgeInput,
  runId: string,
): Promise<void> {
  const { contract, date } = judge
  await transaction.query(
    `delete from audit.bad_records bad where source = $1 and load_date = $2
       and not exists (select from judged where judged.broken <> 0
         and judged.file_id = bad.file_id and judged.record_no = bad.record_no)`,
    [contract.source, date],
  )
  if (judge.layouts.length === 0) return
  await transaction.query(insertSql(judge), [contract.source, date, runId])
}

function insertSql(judge: JudgeInput): string {
  return `with problems as (${problemsSelect(judge)})
    insert into audit.bad_records
      (file_id, record_no, source, load_date, record_id, rules, problems, record, run_id)
    select problems.file_id, problems.record_no, $1, $2, problems.record_id,
      problems.rules, problems.problems, raw.record, $3
    from problems join ${recordsOf(judge)} raw
      on raw.file_id = problems.file_id and raw.record_no = problems.record_no
        and raw.load_date = '${judge.date}'
    on conflict (file_id, record_no) do update
      set rules = excluded.rules, problems = excluded.problems, record_id = excluded.record_id,
        record = excluded.record
      where (bad_records.problems, bad_records.record)
        is distinct from (excluded.problems, excluded.record)`
}
