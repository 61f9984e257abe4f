import { fieldOf, type Contract } from '../contracts/contract.ts'
import { placeCsvFields } from './csv-places.ts'
import { JsonFault, memberOf, placeJson, type JsonNode, type Span } from './json-places.ts'

/** The text of a record, and what is needed to read it. */
export interface ReadableRecord {
  readonly contract: Contract
  /** Of a CSV file. */
  readonly header: readonly string[] | null
  readonly text: string
}

export interface BrokenRule {
  readonly rule: string
  readonly column: string | null
  /** Lines of an order, from 1. */
  readonly lines?: readonly number[] | undefined
}

/** Where a record breaks a rule: a field once for each line that does, or where it is missing. */
export function findPlaces(record: ReadableRecord, broken: BrokenRule): Span[] {
  if (broken.rule === 'bad_encoding') return [firstOddCharacter(record.text)]
  return record.contract.format === 'csv' ? inCsv(record, broken) : inJson(record, broken)
}

/** Bytes that were not UTF-8 are kept as the characters of Latin-1, NUL as its symbol. */
function firstOddCharacter(text: string): Span {
  const start = Math.max(text.search(/[\u0080-\u00ff\u2400]/), 0)
  return { start, end: start + 1 }
}

function inCsv({ contract, header, text }: ReadableRecord, { rule, column }: BrokenRule): Span[] {
  const fields = placeCsvFields(text)
  const atEnd = { start: text.length, end: text.length }
  const expected = header?.length ?? 0
  if (rule === 'too_many_columns')
    return [{ start: fields[expected]?.start ?? 0, end: text.length }]
  if (rule === 'too_few_columns') return [atEnd]
  if (rule === 'malformed') {
    const quote = Math.max(text.indexOf('"'), 0)
    return [{ start: quote, end: quote + 1 }]
  }
  const field = fieldNamed(contract, column)
  return [fields[header?.indexOf(field) ?? -1] ?? atEnd]
}

function inJson({ contract, text }: ReadableRecord, broken: BrokenRule): Span[] {
  const root = placeOrFault(text)
  if (root instanceof JsonFault) return [{ start: root.position, end: root.position + 1 }]
  if (broken.rule === 'malformed') return [whatPostgresqlRefuses(text) ?? root]
  const field = fieldNamed(contract, broken.column)
  const items = itemsOf(contract, root)
  if (items.length === 0) return [memberOf(root, field) ?? endOf(root)]
  const places = (broken.lines ?? [1]).map((line) => {
    const item = items[line - 1]
    const isOfLine = contract.columns.some((one) => fieldOf(one) === field && one.isOfLine)
    return memberOf(item, field) ?? (isOfLine ? endOf(item ?? root) : undefined)
  })
  const found = places.filter((place) => place !== undefined)
  return found.length > 0 ? found : [memberOf(root, field) ?? endOf(root)]
}

/** The lines of an order; none where it is told without lines. */
export function itemsOf(contract: Contract, root: JsonNode): readonly JsonNode[] {
  const lines = contract.linesField === undefined ? undefined : memberOf(root, contract.linesField)
  return lines?.kind === 'array' ? lines.items : []
}

function placeOrFault(text: string): JsonNode | JsonFault {
  try {
    return placeJson(text)
  } catch (error) {
    if (error instanceof JsonFault) return error
    throw error
  }
}

/** JSON that PostgreSQL does not take: the character NUL and half a surrogate pair, escaped. */
function whatPostgresqlRefuses(text: string): Span | undefined {
  const half =
    /\\u(?:0000|[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u)[dD][c-fC-F]..)/
  const found = half.exec(text)
  return found ? { start: found.index, end: found.index + 6 } : undefined
}

/** Where a member that is not there would stand. */
function endOf(node: JsonNode): Span {
  const place = node.kind === 'object' ? node.end - 1 : node.end
  return { start: place, end: place }
}

function fieldNamed(contract: Contract, name: string | null): string {
  const column = contract.columns.find((candidate) => candidate.name === name)
  return column ? fieldOf(column) : String(name)
}
