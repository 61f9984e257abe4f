/**
 * A source's contract: its columns, types and rules, written once. Parsing, SQL checks, tables,
 * quarantine rules and docs follow from it. Rule ids are `<column>_<rule>`; a rule on a missing
 * value is only `required`, a value of the wrong type breaks only `type`.
 */
export interface Contract {
  readonly source: string
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
  /** JSON field that holds an order's lines, each inheriting the record's other fields. */
  readonly linesField?: string
}

export type Family = 'order_lines' | 'events' | 'products'
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
  /** The value must lie before the end of the delivery date. */
  readonly notFuture?: boolean
  readonly maxAgeDays?: number
  /** SQL for a missing value, over other typed columns; such a column is never required. */
  readonly defaultSql?: string
  /** SQL that tidies the field's text, given an expression for it. */
  readonly tidy?: (text: string) => string
  /** Told by each line of a record with lines; the record's own field would count once a line. */
  readonly isOfLine?: boolean
}

export interface Rule {
  readonly id: string
  readonly column: string | null
  /** SQL condition, true when the record breaks the rule. */
  readonly isBroken: string
}

/** Problems that the reader of a file finds before any column is known. */
export const readerRules = [
  'malformed',
  'bad_encoding',
  'too_few_columns',
  'too_many_columns',
] as const
export type ReaderRule = (typeof readerRules)[number]

const longestKeyCharacters = 200

/** The rules of a contract, in order; `text(column)` is the column's raw text in SQL. */
export function rulesOf(contract: Contract): Rule[] {
  return contract.columns.flatMap((column) => columnRules(contract, column))
}

function columnRules(contract: Contract, column: Column): Rule[] {
  const text = textOf(column)
  const value = column.name
  const rule = (id: string, isBroken: string): Rule => ({
    id: `${column.name}_${id}`,
    column: column.name,
    isBroken,
  })
  const rules: Rule[] = []
  if (column.required) rules.push(rule('required', `${text} is null`))
  if (column.requiredWhen) {
    rules.push(rule('required', `${text} is null and (${column.requiredWhen})`))
  }
  if (column.type !== 'text') rules.push(rule('type', `${text} is not null and ${value} is null`))
  if (column.isKey) rules.push(rule('length', `length(${value}) > ${longestKeyCharacters}`))
  if (column.accepted)
    rules.push(rule('accepted', `${value} not in (${column.accepted.map(quote).join(', ')})`))
  if (column.min !== undefined) rules.push(rule('min', `${value} < ${column.min}`))
  if (column.above !== undefined) rules.push(rule('min', `${value} <= ${column.above}`))
  if (column.max !== undefined) rules.push(rule('max', `${value} > ${column.max}`))
  if (column.notFuture) rules.push(rule('not_future', `${value} >= ${deliveryEnd(contract)}`))
  if (column.maxAgeDays !== undefined) {
    rules.push(
      rule(
        'not_too_old',
        `${value} < ${deliveryStart(contract)} - interval '${column.maxAgeDays} days'`,
      ),
    )
  }
  return rules
}

/** Whether a day stops when none of its records carries the column. */
export function stopsWhenMissing(column: Column): boolean {
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
