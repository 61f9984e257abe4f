import { isRejecting, type Severity } from '../severity.ts'

/**
 * A source's contract: its columns, types and rules, written once. Parsing, SQL checks, tables,
 * quarantine rules and docs follow from it. Rule ids are `<column>_<rule>`; a rule on a missing
 * value is only `required`, a value of the wrong type breaks only `type`.
 */
export interface Contract {
  readonly source: string
  /** Semantic version: a change that breaks a delivery or a reader moves the first number. */
  readonly version: string
  readonly shopId: string
  /** IANA zone in which times without a zone are read and business dates are cut. */
  readonly timeZone: string
  readonly format: 'json' | 'csv'
  readonly family: Family
  readonly columns: readonly Column[]
  /** SQL over the typed columns, for columns of the family that no field carries. */
  readonly derived: Readonly<Record<string, string>>
  /** The column that identifies a record within a day; a later record of the same key wins. */
  readonly recordKey: readonly string[]
  /**
   * What becomes of fields that no column names: `keep` in extras and report them (the default), `ignore`
   * them, or `refuse` the day. Fields in another order are always accepted.
   */
  readonly newColumn?: 'keep' | 'ignore' | 'refuse'
  /** Of the rules whose column says none: `error` by default. */
  readonly severity?: Severity
  /** JSON field that holds an order's lines, each inheriting the record's other fields. */
  readonly linesField?: string
}

export type Family = 'order_lines' | 'events' | 'products'
/** The rules that a column can have; the last part of a rule's id. */
export type RuleKind =
  'required' | 'type' | 'length' | 'accepted' | 'min' | 'max' | 'not_future' | 'not_too_old'
export type ColumnType = 'text' | 'integer' | 'money' | 'timestamp'

export interface Column {
  readonly name: string
  /** The source's field; the column's own name when absent. */
  readonly from?: string
  readonly type: ColumnType
  readonly required?: boolean
  /** SQL condition over other typed columns under which the column is required. */
  readonly requiredWhen?: string
  /**
   * What becomes of a day none of whose records carries the column: `stop` (the default of required
   * columns), or `default`, which leaves it to the rules, the default value or null.
   */
  readonly whenMissing?: 'stop' | 'default'
  /**
   * What becomes of a day none of whose values has the column's type: `quarantine` its records (the
   * default), or `stop`.
   */
  readonly whenRetyped?: 'quarantine' | 'stop'
  readonly accepted?: readonly string[]
  readonly min?: number
  readonly max?: number
  /** Lower bound that the value must exceed. */
  readonly above?: number
  readonly isKey?: boolean
  /** Metrics are told by its values: they are part of keys, and no longer than keys are. */
  readonly isSegment?: boolean
  /** The value must lie before the end of the delivery date. */
  readonly notFuture?: boolean
  readonly maxAgeDays?: number
  /** SQL for a missing value, over other typed columns; such a column is never required. */
  readonly defaultSql?: string
  /** SQL that tidies the field's text, given an expression for it. */
  readonly tidy?: (text: string) => string
  /** What becomes of a record that breaks a rule, where it is not what the contract says for all. */
  readonly severities?: Readonly<Partial<Record<RuleKind, Severity>>>
  /** Told by each line of a record with lines; the record's own field would count once a line. */
  readonly isOfLine?: boolean
}

export interface Rule {
  readonly id: string
  readonly kind: RuleKind
  readonly column: string
  readonly severity: Severity
  /** SQL condition, true when the record breaks the rule. */
  readonly isBroken: string
  /** What the rule asks for, in words. */
  readonly expected: string
}

/** Problems that the reader of a file finds before any column is known; they are critical. */
export const readerRules = [
  'malformed',
  'bad_encoding',
  'too_few_columns',
  'too_many_columns',
] as const
export type ReaderRule = (typeof readerRules)[number]

const readerRulesInWords: Readonly<Record<ReaderRule, string>> = {
  malformed:
    'one JSON object without \\u0000 and half surrogate pairs, at most 200 brackets deep and of 10,000 ' +
    'lines, or a line whose quotes close',
  bad_encoding: 'UTF-8 without the character NUL',
  too_few_columns: 'as many fields as the header has',
  too_many_columns: 'as many fields as the header has',
}

/** What a rule of the contract, or of the reader, asks for; undefined for one it does not have now. */
export function expectedBy(contract: Contract, ruleId: string): string | undefined {
  const ofReader = readerRules.find((id) => id === ruleId)
  if (ofReader) return readerRulesInWords[ofReader]
  return rulesOf(contract).find((rule) => rule.id === ruleId)?.expected
}

const longestKeyCharacters = 200

/** The rules of a contract, in order; `text(column)` is the column's raw text in SQL. */
export function rulesOf(contract: Contract): Rule[] {
  return contract.columns.flatMap((column) => columnRules(contract, column))
}

/** The rules that let a record load which breaks them. */
export function lenientRules(contract: Contract): Rule[] {
  return rulesOf(contract).filter(({ severity }) => !isRejecting(severity))
}

/** Ids of the rules whose records count towards the limit of a day, the reader's among them. */
export function criticalRules(contract: Contract): string[] {
  const ofContract = rulesOf(contract).filter(({ severity }) => severity === 'critical')
  return [...readerRules, ...ofContract.map(({ id }) => id)]
}

function columnRules(contract: Contract, column: Column): Rule[] {
  const text = textOf(column)
  const value = column.name
  const rules: Rule[] = []
  const add = (kind: RuleKind, isBroken: string, expected: string) => {
    const severity = column.severities?.[kind] ?? contract.severity ?? 'error'
    const id = `${column.name}_${kind}`
    rules.push({ id, kind, column: column.name, severity, isBroken, expected })
  }
  if (column.required) add('required', `${text} is null`, 'a value')
  if (column.requiredWhen) {
    const isBroken = `${text} is null and (${column.requiredWhen})`
    add('required', isBroken, `a value where ${column.requiredWhen}`)
  }
  if (column.type !== 'text') {
    add('type', `${text} is not null and ${value} is null`, typesInWords[column.type])
  }
  if (column.type === 'text' && (column.isKey || column.isSegment)) {
    const isBroken = `length(${value}) > ${longestKeyCharacters}`
    add('length', isBroken, `at most ${longestKeyCharacters} characters`)
  }
  if (column.accepted) {
    const isBroken = `${value} not in (${column.accepted.map(quote).join(', ')})`
    add('accepted', isBroken, `one of ${column.accepted.join(', ')}`)
  }
  if (column.min !== undefined) add('min', `${value} < ${column.min}`, `at least ${column.min}`)
  if (column.above !== undefined) {
    add('min', `${value} <= ${column.above}`, `more than ${column.above}`)
  }
  if (column.max !== undefined) add('max', `${value} > ${column.max}`, `at most ${column.max}`)
  if (column.notFuture) {
    const isBroken = `${value} >= ${deliveryEnd(contract)}`
    add('not_future', isBroken, `a time before the end of the delivery date (${contract.timeZone})`)
  }
  if (column.maxAgeDays !== undefined) {
    const isBroken = `${value} < ${deliveryStart(contract)} - interval '${column.maxAgeDays} days'`
    add('not_too_old', isBroken, `at most ${column.maxAgeDays} days before the delivery date`)
  }
  return rules
}

const typesInWords = {
  integer: 'a whole number within 32 bits, in digits',
  money: 'a decimal number in digits, such as 12.34',
  timestamp: 'a time that begins with its date, such as 2026-11-20T10:00:00Z',
}

/** Whether a day stops when none of its records carries the column. */
export function stopsWhenMissing(column: Pick<Column, 'whenMissing' | 'required'>): boolean {
  return (column.whenMissing ?? (column.required ? 'stop' : 'default')) === 'stop'
}

/** The staging column that carries a field's raw text while it is judged. */
export function textOf(column: Column): string {
  return `${column.name}__text`
}

export function fieldOf(column: Column): string {
  return column.from ?? column.name
}

function deliveryStart(contract: Contract): string {
  return `(load_date::timestamp at time zone ${quote(contract.timeZone)})`
}

function deliveryEnd(contract: Contract): string {
  return `((load_date + 1)::timestamp at time zone ${quote(contract.timeZone)})`
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
