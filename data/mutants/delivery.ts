import Papa from 'papaparse'
import { z } from 'zod'
import { fieldOf, type Column, type Contract } from '../../domain/contracts/contract.ts'

/** Fields of a record by name; text in CSV, whatever JSON says otherwise. */
export type DeliveredRecord = Record<string, unknown>

/** A file's records, taken apart so that they can be changed and written again. */
export interface Delivery {
  readonly contract: Contract
  /** Names of the fields in the order of the file. */
  readonly fields: readonly string[]
  readonly records: readonly DeliveredRecord[]
}

/**
 * Takes a file apart: a JSON array, a single object or one object a line; CSV with a header.
 * Records that are no objects are left out.
 */
export function readDelivery(contract: Contract, text: string): Delivery {
  const records = contract.format === 'csv' ? csvRecords(text) : jsonRecords(text)
  return { contract, fields: [...new Set(records.flatMap(Object.keys))], records }
}

export function writeDelivery({ contract, fields, records }: Delivery): string {
  if (contract.format === 'csv') {
    const rows = records.map((record) => fields.map((field) => record[field] ?? ''))
    return `${Papa.unparse({ fields: [...fields], data: rows }, { newline: '\n' })}\n`
  }
  return `[\n${records.map((record) => JSON.stringify(record)).join(',\n')}\n]\n`
}

/** The objects of a record that carry a column: the record itself, or the lines that tell it. */
export function holdersOf(
  contract: Contract,
  column: Column,
  record: DeliveredRecord,
): DeliveredRecord[] {
  const lines = contract.linesField === undefined ? undefined : record[contract.linesField]
  const parsed = z.array(z.unknown()).safeParse(lines)
  const field = fieldOf(column)
  if (!parsed.success || field in record) return field in record ? [record] : []
  return parsed.data.filter(isObject).filter((line) => field in line)
}

/** A copy deep enough that changing it leaves the good day as it is. */
export function copyRecords(records: readonly DeliveredRecord[]): DeliveredRecord[] {
  return records.map((record) => {
    const copied: DeliveredRecord = { ...record }
    for (const [field, value] of Object.entries(record)) copied[field] = copyLines(value)
    return copied
  })
}

function copyLines(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.map((line: unknown) => (isObject(line) ? { ...line } : line))
}

function isObject(value: unknown): value is DeliveredRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function jsonRecords(text: string): DeliveredRecord[] {
  return jsonValues(text).filter(isObject)
}

function jsonValues(text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed : [parsed]
  } catch {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return lines.map((line): unknown => JSON.parse(line))
  }
}

function csvRecords(text: string): DeliveredRecord[] {
  return Papa.parse<DeliveredRecord>(text, { header: true, skipEmptyLines: true }).data
}
