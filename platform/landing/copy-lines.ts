import { isUtf8 } from 'node:buffer'
import type { ReaderRule } from '../../domain/contracts/contract.ts'

const needsCare = /[\0\\\t\n\r\x80-\xff]/
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
}

/**
 * Collects records as lines of COPY's text format for a raw table. Records are "binary" strings, one
 * character a byte, so that bytes pass through unchanged; a record that is not UTF-8 (or holds a NUL,
 * which PostgreSQL text refuses) is kept readable and marked `bad_encoding`.
 */
export class CopyLines {
  #text = ''
  readonly #prefix: string
  records = 0

  constructor(loadDate: string, fileId: number) {
    this.#prefix = `${loadDate}\t${fileId}\t`
  }

  add(recordNo: number, record: string): void {
    if (needsCare.test(record)) this.#addWithCare(recordNo, record, '\\N', '\\N')
    else this.#append(recordNo, record, '\\N', '\\N')
  }

  addProblem(recordNo: number, record: string, problem: ReaderRule): void {
    this.#addWithCare(recordNo, record, '\\N', problem)
  }

  addFields(recordNo: number, record: string, fields: readonly string[]): void {
    const literal = `{${fields.map(quoteArrayElement).join(',')}}`
    this.#addWithCare(recordNo, record, escapeText(literal), '\\N')
  }

  get size(): number {
    return this.#text.length
  }

  /** The lines so far as bytes; the next call starts anew. */
  take(): Buffer {
    const bytes = Buffer.from(this.#text, 'latin1')
    this.#text = ''
    return bytes
  }

  #addWithCare(recordNo: number, record: string, fields: string, problem: string): void {
    if (isCleanText(record)) this.#append(recordNo, escapeText(record), fields, problem)
    else this.#append(recordNo, escapeText(readable(record)), '\\N', 'bad_encoding')
  }

  #append(recordNo: number, record: string, fields: string, problem: string): void {
    this.#text += `${this.#prefix}${recordNo}\t${record}\t${fields}\t${problem}\n`
    this.records += 1
  }
}

function isCleanText(record: string): boolean {
  return !record.includes('\0') && isUtf8(Buffer.from(record, 'latin1'))
}

/** Each byte shown as its Latin-1 character, NUL as its symbol, in UTF-8 bytes. */
function readable(record: string): string {
  return Buffer.from(record.replaceAll('\0', '\u2400'), 'utf8').toString('latin1')
}

function escapeText(text: string): string {
  return text.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] ?? character)
}

function quoteArrayElement(field: string): string {
  return `"${field.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`
}
