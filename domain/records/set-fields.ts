import { fieldOf, type Column, type Contract } from '../contracts/contract.ts'
import { csvField, placeCsvFields } from './csv-places.ts'
import { itemsOf, type ReadableRecord } from './find-places.ts'
import { JsonFault, memberOf, placeJson, type JsonNode, type Span } from './json-places.ts'

/** A new value of a column, by the column's name or its field's: `quantity`, `items[2].price`. */
export interface Assignment {
  readonly target: string
  readonly value: string
}

/** An assignment that the record cannot take, in words for the person who made it. */
export class CannotSet extends Error {
  override name = 'CannotSet'
}

/**
 * The text of a record with other values in it; everything else stays as it was delivered.
 * @throws CannotSet
 */
export function setFields(record: ReadableRecord, assignments: readonly Assignment[]): string {
  const set = record.contract.format === 'csv' ? setInCsv : setInJson
  return assignments.reduce((text, assignment) => set({ ...record, text }, assignment), record.text)
}

function setInCsv({ contract, header, text }: ReadableRecord, { target, value }: Assignment) {
  const field = fieldOf(columnNamed(contract, target))
  const position = header?.indexOf(field) ?? -1
  if (position < 0) throw new CannotSet(`its file has no column ${field}`)
  const spans = placeCsvFields(text)
  const span = spans[position]
  if (span === undefined || spans.length !== header?.length) {
    throw new CannotSet(
      `it has ${spans.length} fields and its header ${header?.length ?? 0}: ` +
        'give the whole line by --record',
    )
  }
  return replace(text, span, csvField(value))
}

const lineTarget = /^(\w+)\[(\d+)\]\.(.+)$/

function setInJson({ contract, text }: ReadableRecord, { target, value }: Assignment): string {
  const root = placeRecord(text)
  const line = lineTarget.exec(target)
  const column = columnNamed(contract, line?.[3] ?? target)
  const node = line ? itemNamed(contract, root, line[1], Number(line[2])) : root
  const items = itemsOf(contract, root)
  if (!line && column.isOfLine && items.length > 0) {
    const path = `${contract.linesField ?? ''}[1].${fieldOf(column)}`
    throw new CannotSet(`${target} is told by each of its ${items.length} lines: say ${path}=…`)
  }
  const present = memberOf(node, fieldOf(column))
  if (present) return replace(text, present, literal(column, value))
  const member = `${JSON.stringify(fieldOf(column))}: ${literal(column, value)}`
  const isEmpty = node.kind === 'object' && node.members.length === 0
  const end = node.end - 1
  return replace(text, { start: end, end }, isEmpty ? member : `, ${member}`)
}

function placeRecord(text: string): JsonNode {
  try {
    const root = placeJson(text)
    if (root.kind === 'object') return root
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
  }
  throw new CannotSet('it is no JSON object, so it has no fields: give the whole text by --record')
}

function itemNamed(contract: Contract, root: JsonNode, field: string | undefined, line: number) {
  const items = field === contract.linesField ? itemsOf(contract, root) : []
  const item = items[line - 1]
  if (item?.kind === 'object') return item
  throw new CannotSet(`it has no ${String(field)}[${line}]; lines count from 1 to ${items.length}`)
}

function columnNamed(contract: Contract, name: string): Column {
  const found = contract.columns.find((column) => column.name === name || fieldOf(column) === name)
  if (found) return found
  const names = contract.columns.map((column) => column.name).join(', ')
  throw new CannotSet(`${contract.source} has no column ${name}; it has ${names}`)
}

const plainNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/

function literal(column: Column, value: string): string {
  const isNumber = column.type === 'integer' || column.type === 'money'
  return isNumber && plainNumber.test(value) ? value : JSON.stringify(value)
}

function replace(text: string, { start, end }: Span, by: string): string {
  return text.slice(0, start) + by + text.slice(end)
}
