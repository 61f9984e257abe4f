import { fieldOf, quote, textOf, type Column, type Contract } from './contract.ts'
import { rawTable } from './tables.ts'

const mostLines = 10_000

/** How the records of some files are laid out: a CSV header, or JSON with or without order lines. */
export interface Layout {
  readonly fileIds: readonly number[]
  readonly header: readonly string[] | null
  readonly isNested: boolean
}

export interface JudgeInput {
  readonly contract: Contract
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  readonly layouts: readonly Layout[]
  /** What the records are read from, where it is not the raw table alone. */
  readonly records?: string
}

/** Where the records that are judged stand: the columns of a raw table. */
export function recordsOf({ contract, records }: JudgeInput): string {
  return records ?? rawTable(contract)
}

/** The raw text of each field, one row a line: what judging starts from and quarantine shows. */
export function fieldsSelect(input: JudgeInput, filter = 'true'): string {
  return input.layouts
    .map((layout) =>
      input.contract.format === 'csv'
        ? csvFields(input, layout, filter)
        : jsonFields(input, layout, filter),
    )
    .join('\nunion all\n')
}

function csvFields(input: JudgeInput, layout: Layout, filter: string): string {
  const { contract, date } = input
  const header = layout.header ?? []
  const texts = contract.columns.map((column) => {
    const position = header.indexOf(fieldOf(column)) + 1
    return `${fieldText(column, position > 0 ? csvField(position) : 'null::text')} as ${textOf(column)}`
  })
  return `select raw.file_id, raw.record_no, raw.load_date, raw.problem, 1 as item_no,
  ${csvExtras(contract, header)} as extras, ${texts.join(', ')}
from ${recordsOf(input)} raw
where ${ofFiles(date, layout)} and ${filter}`
}

function csvField(position: number): string {
  return `case when raw.fields is null then split_part(raw.record, ',', ${position}) else raw.fields[${position}] end`
}

function csvExtras(contract: Contract, header: readonly string[]): string {
  if (contract.newColumn === 'ignore') return 'null::jsonb'
  const known = new Set(contract.columns.map(fieldOf))
  const unknown = header.flatMap((field, index) => (known.has(field) ? [] : [{ field, index }]))
  if (unknown.length === 0) return 'null::jsonb'
  const names = unknown.map(({ field }) => quote(field))
  const values = unknown.map(({ index }) => csvField(index + 1))
  // Arrays, because a function takes a hundred arguments at most.
  return `jsonb_object(array[${names.join(', ')}], array[${values.join(', ')}])`
}

function jsonFields(input: JudgeInput, layout: Layout, filter: string): string {
  const { contract, date } = input
  const texts = contract.columns.map((column) => {
    const field = quote(fieldOf(column))
    const text = layout.isNested ? lineText(column, field) : `doc ->> ${field}`
    return `${fieldText(column, text)} as ${textOf(column)}`
  })
  const lines = layout.isNested && contract.linesField ? jsonLines(contract.linesField) : ''
  const isDocument = `jsonb_typeof(parsed) = 'object'${lines ? ` and ${hasFewLines(contract)}` : ''}`
  return `select raw.file_id, raw.record_no, raw.load_date,
  coalesce(raw.problem, case when doc is null then 'malformed' end) as problem,
  ${lines ? 'lines.item_no::integer' : '1'} as item_no,
  ${jsonExtras(contract, lines !== '')} as extras, ${texts.join(', ')}
from ${recordsOf(input)} raw
cross join lateral (
  select case when raw.problem is null and pg_input_is_valid(raw.record, 'jsonb') then raw.record::jsonb end as parsed
  offset 0
) parsing
cross join lateral (
  select case when ${isDocument} then parsed end as doc
  offset 0
) document
${lines}
where ${ofFiles(date, layout)} and ${filter}`
}

function lineText(column: Column, field: string): string {
  if (column.isOfLine) return `case when has_lines then item ->> ${field} else doc ->> ${field} end`
  return `coalesce(item ->> ${field}, doc ->> ${field})`
}

/** Lines become rows, each with what it breaks: a record of millions would be gigabytes. */
function hasFewLines({ linesField = '' }: Contract): string {
  const lines = `parsed -> ${quote(linesField)}`
  return `case when jsonb_typeof(${lines}) = 'array' then jsonb_array_length(${lines}) <= ${mostLines} else true end`
}

function jsonLines(linesField: string): string {
  const lines = `doc -> ${quote(linesField)}`
  return `cross join lateral (
  select coalesce(jsonb_typeof(${lines}) = 'array' and ${lines} <> '[]', false) as has_lines
) having_lines
cross join lateral jsonb_array_elements(
  case when has_lines then ${lines} else '[{}]'::jsonb end
) with ordinality as lines (item, item_no)`
}

function jsonExtras(contract: Contract, hasLines: boolean): string {
  if (contract.newColumn === 'ignore') return 'null::jsonb'
  const known = contract.columns.map(fieldOf)
  if (contract.linesField) known.push(contract.linesField)
  const fields = hasLines
    ? `(doc || case when jsonb_typeof(item) = 'object' then item else '{}' end)`
    : 'doc'
  return `nullif(${fields} - array[${known.map(quote).join(', ')}], '{}')`
}

function ofFiles(date: string, layout: Layout): string {
  return `raw.load_date = ${quote(date)} and raw.file_id in (${layout.fileIds.join(', ')})`
}

function fieldText(column: Column, text: string): string {
  if (column.tidy) return `nullif(${column.tidy(text)}, '')`
  // A key of blanks is no key.
  return column.isKey ? `nullif(trim(${text}), '')` : `nullif(${text}, '')`
}
