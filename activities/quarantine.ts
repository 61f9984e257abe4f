import { textOf } from '../domain/contracts/contract.ts'
import { fieldsSelect, ruleBits, type JudgeInput } from '../domain/contracts/judge-sql.ts'
import { rawTable } from '../domain/contracts/tables.ts'
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
  const { contract, date } = judge
  const bits = ruleBits(contract).map(
    (rule, bit) => `(${bit}, '${rule.id}', ${rule.column === null ? 'null' : `'${rule.column}'`})`,
  )
  const recordId = contract.columns.find((column) => column.isKey)
  const isBad = `exists (select from bad where bad.file_id = raw.file_id and bad.record_no = raw.record_no)`
  const texts = contract.columns.map(
    (column) => `string_agg(distinct ${textOf(column)}, ', ') as ${textOf(column)}`,
  )
  return `with bad as materialized (
      select file_id, record_no, bit_or(broken) as broken from judged
      where broken <> 0 group by file_id, record_no
    ),
    texts as (
      select file_id, record_no, ${texts.join(', ')}
      from (${fieldsSelect(judge, isBad)}) fields group by file_id, record_no
    ),
    problems as (
      select bad.file_id, bad.record_no, array_agg(rule.id order by rule.bit) as rules,
        jsonb_agg(jsonb_build_object('rule', rule.id, 'column', rule.column_name,
          'value', to_jsonb(texts) ->> (rule.column_name || '__text')) order by rule.bit) as problems,
        max(${recordId ? textOf(recordId) : 'null'}) as record_id
      from bad join texts using (file_id, record_no)
      join (values ${bits.join(', ')}) as rule (bit, id, column_name)
        on (bad.broken >> rule.bit) & 1 = 1
      group by bad.file_id, bad.record_no
    )
    insert into audit.bad_records
      (file_id, record_no, source, load_date, record_id, rules, problems, record, run_id)
    select problems.file_id, problems.record_no, $1, $2, problems.record_id,
      problems.rules, problems.problems, raw.record, $3
    from problems join ${rawTable(contract)} raw
      on raw.file_id = problems.file_id and raw.record_no = problems.record_no and raw.load_date = '${date}'
    on conflict (file_id, record_no) do update
      set rules = excluded.rules, problems = excluded.problems, record_id = excluded.record_id
      where bad_records.problems is distinct from excluded.problems`
}
