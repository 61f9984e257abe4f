import {
  lenientRules,
  quote,
  readerRules,
  rulesOf,
  textOf,
  type Column,
  type Contract,
  type Rule,
} from './contract.ts'
import { familyColumns } from './families.ts'
import { fieldsSelect, type JudgeInput } from './fields-sql.ts'

/** Rules in the order of their bits: the reader's problems first, then the contract's. */
export function ruleBits(contract: Contract): { id: string; column: string | null }[] {
  return [...readerRules.map((id) => ({ id, column: null })), ...rulesOf(contract)].map(
    ({ id, column }) => ({ id, column }),
  )
}

/**
 * One scan of a day's raw records: each line typed, with a bit mask `broken` of the rules that its
 * record breaks and that reject it (bits as in `ruleBits`), and the names `broken_rules` of those that
 * the line breaks and that let it load. A record with one bad line is bad as a whole.
 */
export function judgeSelect(input: JudgeInput): string {
  const { contract } = input
  const columns = Object.keys(familyColumns[contract.family])
  const line = rejectedBits(contract)
  const broken = hasLines(input)
    ? `${line} as line_broken, bit_or(${line}) over (partition by file_id, record_no)`
    : line
  return `select ${columns.join(', ')}, extras, load_date, file_id, record_no,
  ${lenientlyBroken(contract)} as broken_rules, ${broken} as broken
from (
  select completed.*, ${derivedColumns(contract)}${brokenMask(contract)} as broken
  from (
    select typed.*, ${defaultedColumns(contract)}
    from (
      select fields.*, ${contract.columns.map(typedColumn).join(', ')}
      from (${fieldsSelect(input)}) fields
      offset 0
    ) typed
  ) completed
) judged`
}

/** What a line breaks, without the rules that let it load. */
function rejectedBits(contract: Contract): string {
  const lenient = lenientRules(contract)
  return lenient.length === 0 ? 'broken' : `broken & ~(${sumOfBits(contract, lenient)})::bigint`
}

function sumOfBits(contract: Contract, rules: readonly Rule[]): string {
  return rules.map((rule) => String(2 ** bitOf(contract, rule.id))).join(' + ')
}

function lenientlyBroken(contract: Contract): string {
  const names = lenientRules(contract).map(
    ({ id }) => `case when (broken >> ${bitOf(contract, id)}) & 1 = 1 then ${quote(id)} end`,
  )
  if (names.length === 0) return 'null::text[]'
  return `nullif(array_remove(array[${names.join(', ')}], null), '{}')`
}

function bitOf(contract: Contract, id: string): number {
  return ruleBits(contract).findIndex((rule) => rule.id === id)
}

/** SQL condition that a judged record breaks a rule; false where the contract has no such rule. */
export function breaksRule(contract: Contract, id: string): string {
  if (lenientRules(contract).some((rule) => rule.id === id)) {
    return `coalesce(${quote(id)} = any (broken_rules), false)`
  }
  const bit = bitOf(contract, id)
  return bit < 0 ? 'false' : `(broken >> ${bit}) & 1 = 1`
}

/** Whether a record may be of several lines; `line_broken` then tells what each of them breaks. */
function hasLines({ contract, layouts }: JudgeInput): boolean {
  return contract.linesField !== undefined && layouts.some((layout) => layout.isNested)
}

/**
 * The bad records of the table `judged`: file_id, record_no, record_id, rules and problems,
 * [{"rule", "column", "value", "lines"}] in the contract's order; `lines` where records have them.
 */
export function problemsSelect(judge: JudgeInput): string {
  const { contract } = judge
  const bits = ruleBits(contract).map(
    (rule, bit) => `(${bit}, '${rule.id}', ${rule.column === null ? 'null' : `'${rule.column}'`})`,
  )
  const recordId = contract.columns.find((column) => column.isKey)
  const isBad = `exists (select from bad where bad.file_id = raw.file_id and bad.record_no = raw.record_no)`
  const texts = contract.columns.map(
    (column) => `string_agg(distinct ${textOf(column)}, ', ') as ${textOf(column)}`,
  )
  const lined = hasLines(judge)
  const lines = lined ? `|| jsonb_build_object('lines', lines)` : ''
  return `with bad as materialized (
      select file_id, record_no, rule.bit, rule.id, rule.column_name${
        lined ? ', jsonb_agg(line_no order by line_no) as lines' : ''
      }
      from judged join (values ${bits.join(', ')}) as rule (bit, id, column_name)
        on (${lined ? 'line_broken' : 'broken'} >> rule.bit) & 1 = 1
      where broken <> 0 group by file_id, record_no, rule.bit, rule.id, rule.column_name
    ),
    texts as (
      select file_id, record_no, ${texts.join(', ')}
      from (${fieldsSelect(judge, isBad)}) fields group by file_id, record_no
    )
    select bad.file_id, bad.record_no, array_agg(bad.id order by bad.bit) as rules,
      jsonb_agg(jsonb_build_object('rule', bad.id, 'column', bad.column_name,
        'value', to_jsonb(texts) ->> (bad.column_name || '__text')) ${lines} order by bad.bit) as problems,
      max(${recordId ? textOf(recordId) : 'null'}) as record_id
    from bad join texts using (file_id, record_no)
    group by bad.file_id, bad.record_no`
}

function typedColumn(column: Column): string {
  const name = column.defaultSql ? givenName(column) : column.name
  return `${typedValue(column.type, textOf(column))} as ${name}`
}

/**
 * PostgreSQL itself takes `1e5`, `0x1F`, `1_000`, `NaN`, `infinity`, `now`, `today` and years before
 * Christ; a delivery that says so is wrong.
 */
function typedValue(type: Column['type'], text: string): string {
  const leftOver = `translate(${text}, '0123456789', '')`
  switch (type) {
    case 'text':
      return text
    case 'integer':
      return `case when ${leftOver} in ('', '-') and pg_input_is_valid(${text}, 'integer') then ${text}::integer end`
    case 'money':
      return `case when ${leftOver} in ('', '-', '.', '-.') and length(${text}) < 30 and pg_input_is_valid(${text}, 'numeric') then ${text}::numeric end`
    case 'timestamp':
      return `case when ${text} like '____-__-__%' and strpos(upper(${text}), 'BC') = 0 and pg_input_is_valid(${text}, 'timestamptz') then ${text}::timestamptz end`
  }
}

function givenName(column: Column): string {
  return `${column.name}__given`
}

function defaultedColumns(contract: Contract): string {
  const columns = contract.columns
    .filter((column) => column.defaultSql)
    .map((column) => `coalesce(${givenName(column)}, ${column.defaultSql}) as ${column.name}`)
  return [...columns, `${quote(contract.shopId)}::text as shop_id`].join(', ')
}

function derivedColumns(contract: Contract): string {
  const itemNumber = contract.family === 'order_lines' ? { line_no: 'item_no' } : {}
  const columns = Object.entries({ ...itemNumber, ...contract.derived })
  return columns.map(([name, sql]) => `${sql} as ${name}, `).join('')
}

function brokenMask(contract: Contract): string {
  const readerCases = readerRules.map((rule, bit) => `when ${quote(rule)} then ${1 << bit}`)
  const bits = rulesOf(contract).map(
    (rule, index) =>
      `case when ${conditionOf(contract, rule)} then ${2 ** (index + readerRules.length)} else 0 end`,
  )
  return `case problem ${readerCases.join(' ')} else ${bits.join(' + ')} end::bigint`
}

function conditionOf(contract: Contract, rule: Rule): string {
  const column = contract.columns.find((candidate) => candidate.name === rule.column)
  const isTypeRule = rule.id === `${rule.column}_type`
  if (!column?.defaultSql || !isTypeRule) return rule.isBroken
  return `${textOf(column)} is not null and ${givenName(column)} is null`
}
