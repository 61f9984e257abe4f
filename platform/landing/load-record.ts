import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Contract } from '../../domain/contracts/contract.ts'
import type { Transaction } from '../database.ts'
import { CopyLines } from './copy-lines.ts'
import { JsonRecords } from './json-records.ts'
import { copyInto, readerFor } from './load-file.ts'

/** A text that stands for one record of a file. */
export interface RecordText {
  readonly contract: Contract
  /** Of a CSV file. */
  readonly header: readonly string[] | null
  readonly loadDate: string
  readonly fileId: number
  readonly recordNo: number
  readonly text: Buffer
}

/** A text that is not exactly one record. */
export class NotOneRecordError extends Error {
  override name = 'NotOneRecord'
}

/**
 * Reads a text as the one record of a file, by the reader of its files, into a table with the columns
 * of a raw table. Returns whether it has order lines.
 * @throws NotOneRecordError when the text is cut off, empty or several records
 */
export async function loadRecord(
  transaction: Transaction,
  table: string,
  input: RecordText,
): Promise<{ isNested: boolean }> {
  const lines = new CopyLines(input.loadDate, input.fileId)
  const reader = readerFor(input.contract, lines)
  try {
    reader.push(fileOf(input))
    reader.end()
  } catch (error) {
    const isOfText =
      error instanceof Error && (error.name === 'UnreadableFile' || error.name === 'SchemaDrift')
    if (!isOfText) throw error
    throw new NotOneRecordError(`the text is not one record: as a file it ${error.message}`)
  }
  if (lines.records !== 1) {
    throw new NotOneRecordError(`the text is ${lines.records} records; it must be one`)
  }
  await pipeline(Readable.from([lines.take()]), transaction.query(copyInto(table)))
  await transaction.query(`update ${table} set record_no = $1`, [input.recordNo])
  return { isNested: reader instanceof JsonRecords && reader.hasLines }
}

/** The shortest file that holds the record, as the reader takes it: one character a byte. */
function fileOf({ contract, header, text }: RecordText): string {
  const record = text.toString('latin1').replace(/\r?\n$/, '')
  if (contract.format === 'json') return `[${record}]`
  const names = (header ?? []).map((name) => `"${name.replaceAll('"', '""')}"`)
  return `${Buffer.from(names.join(','), 'utf8').toString('latin1')}\n${record}\n`
}
