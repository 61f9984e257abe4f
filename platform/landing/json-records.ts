import { deepestNesting } from '../../domain/records/json-places.ts'
import type { CopyLines } from './copy-lines.ts'
import { longestRecordBytes, quoteBytes, UnreadableFileError } from './unreadable-file.ts'

const code = {
  tab: 9,
  lineFeed: 10,
  carriageReturn: 13,
  space: 32,
  quote: 34,
  comma: 44,
  zero: 48,
  nine: 57,
  upperE: 69,
  openArray: 91,
  closeArray: 93,
  e: 101,
  open: 123,
  close: 125,
}
/** PostgreSQL writes numbers out: of nine bytes such as 1e131071 it makes as many digits. */
const mostDigits = 1_000_000

/**
 * Cuts a stream of JSON into its records without parsing them: the elements of one array, or objects
 * one after another (a single object, NDJSON). Record numbers count from 1. A record that is no valid
 * JSON is still one record; PostgreSQL judges it.
 */
export class JsonRecords {
  #mode: 'unknown' | 'array' | 'objects' | 'ended' = 'unknown'
  #buffer = ''
  #position = 0
  #depth = 0
  #start = -1
  #recordNo = 0
  #bytesBefore = 0
  #isTooDeep = false
  /** Where numbers of the record have an exponent, from its start. */
  #exponents: number[] = []
  hasLines = false
  readonly #out: CopyLines
  readonly #linesMarker: string | undefined

  constructor(out: CopyLines, linesField: string | undefined) {
    this.#out = out
    this.#linesMarker = linesField === undefined ? undefined : `"${linesField}"`
  }

  push(chunk: string): void {
    this.#buffer += chunk
    if (this.#mode === 'unknown') this.#chooseMode()
    if (this.#mode === 'array' || this.#mode === 'objects') this.#scan()
    if (this.#mode === 'ended') this.#refuseTrailingText()
    this.#dropScanned()
  }

  /** @throws UnreadableFileError when the file ends inside a record or the array is not closed */
  end(): void {
    const isComplete =
      this.#mode === 'ended' || (this.#mode === 'objects' && this.#start < 0 && this.#depth === 0)
    if (isComplete) return
    if (this.#mode === 'unknown') {
      throw new UnreadableFileError('holds no JSON at all; an empty delivery is []')
    }
    throw new UnreadableFileError(
      `is cut off: it ends inside record ${this.#recordNo + 1}${this.#whereItBegins()} ` +
        `(byte ${this.#bytesBefore + this.#buffer.length}); deliver the complete file again`,
    )
  }

  /** Which may be long before the place at which a quote or a bracket that never closes is noticed. */
  #whereItBegins(): string {
    return this.#start < 0 ? '' : `, which begins at byte ${this.#bytesBefore + this.#start},`
  }

  #chooseMode(): void {
    const first = this.#buffer.search(/\S/)
    if (first < 0) return
    const character = this.#buffer[first]
    if (character !== '[' && character !== '{') {
      throw new UnreadableFileError(
        `is not JSON records: it starts with ${quoteBytes(this.#buffer.slice(first))}, ` +
          'expected [ or {',
      )
    }
    this.#mode = character === '[' ? 'array' : 'objects'
    this.#position = character === '[' ? first + 1 : first
  }

  #scan(): void {
    const text = this.#buffer
    let index = this.#position
    for (; index < text.length && this.#mode !== 'ended'; index += 1) {
      const character = text.charCodeAt(index)
      if (character === code.quote) {
        if (this.#start < 0) this.#start = index
        const closing = closingQuote(text, index)
        if (closing < 0) break
        index = closing
      } else if (character === code.open || character === code.openArray) {
        if (this.#start < 0) this.#start = index
        this.#depth += 1
        if (this.#depth > deepestNesting) this.#isTooDeep = true
      } else if (character === code.close || character === code.closeArray) {
        this.#close(character, index)
      } else if (character === code.comma && this.#depth === 0) {
        this.#separate(index)
      } else if (character === code.lineFeed) {
        this.#endLine(index)
      } else if (character === code.e || character === code.upperE) {
        this.#noteExponent(index)
      } else if (this.#start < 0 && !isBlank(character)) this.#start = index
    }
    this.#position = index
  }

  #close(character: number, index: number): void {
    if (this.#depth > 0) {
      this.#depth -= 1
      if (this.#depth === 0 && this.#mode === 'objects') this.#emit(index + 1)
      return
    }
    if (this.#mode !== 'array' || character !== code.closeArray) {
      throw new UnreadableFileError(
        `has an unmatched "${String.fromCharCode(character)}" after record ${this.#recordNo}`,
      )
    }
    if (this.#start >= 0) this.#emit(index)
    this.#mode = 'ended'
  }

  #separate(index: number): void {
    if (this.#start >= 0) this.#emit(index)
    else if (this.#mode === 'array' && this.#recordNo === 0) {
      throw new UnreadableFileError('has a comma before its first record')
    }
  }

  /** What is no object ends with its line: it must not take the next one with it. */
  #endLine(index: number): void {
    if (this.#start >= 0 && this.#depth === 0 && this.#mode === 'objects') this.#emit(index)
  }

  #noteExponent(index: number): void {
    const before = this.#buffer.charCodeAt(index - 1)
    if (this.#start < 0) this.#start = index
    else if (before >= code.zero && before <= code.nine) this.#exponents.push(index - this.#start)
  }

  #emit(end: number): void {
    this.#recordNo += 1
    const record = this.#buffer.slice(this.#start, end).trimEnd()
    if (this.#linesMarker !== undefined && !this.hasLines) {
      this.hasLines = record.includes(this.#linesMarker)
    }
    if (this.#isTooDeep || digitsWrittenOut(record, this.#exponents) > mostDigits)
      this.#out.addProblem(this.#recordNo, record, 'malformed')
    else this.#out.add(this.#recordNo, record)
    this.#start = -1
    this.#isTooDeep = false
    if (this.#exponents.length > 0) this.#exponents = []
  }

  #refuseTrailingText(): void {
    const trailing = this.#buffer.slice(this.#position).trim()
    if (trailing === '') return
    throw new UnreadableFileError(
      `goes on after the end of its array, at byte ${this.#bytesBefore + this.#position}: ` +
        `${quoteBytes(trailing)}. Deliver one array, or one object a line`,
    )
  }

  #dropScanned(): void {
    const keepFrom = this.#keepFrom()
    if (this.#buffer.length - keepFrom > longestRecordBytes) {
      throw new UnreadableFileError(
        `has a record ${this.#recordNo + 1} of more than ${longestRecordBytes} bytes` +
          `${this.#whereItBegins()} or one whose quotes or brackets do not close. Deliver it in parts`,
      )
    }
    this.#buffer = this.#buffer.slice(keepFrom)
    this.#bytesBefore += keepFrom
    this.#position = Math.max(0, this.#position - keepFrom)
    if (this.#start >= 0) this.#start = 0
  }

  /** Blanks before the first record and after the last are dropped with what was scanned. */
  #keepFrom(): number {
    if (this.#mode === 'unknown' || this.#mode === 'ended') return this.#buffer.length
    return this.#start >= 0 ? this.#start : this.#position
  }
}

/** Zero bytes, of which a file system fills a hole, are none: records may have stood there. */
function isBlank(character: number): boolean {
  return character === code.space || character === code.tab || character === code.carriageReturn
}

/** The quote that ends the string opened at `opening`, or -1 when it is not in the text yet. */
function closingQuote(text: string, opening: number): number {
  let closing = text.indexOf('"', opening + 1)
  while (closing >= 0 && isEscaped(text, closing)) closing = text.indexOf('"', closing + 1)
  return closing
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(index - 1 - backslashes) === 92) backslashes += 1
  return backslashes % 2 === 1
}

function digitsWrittenOut(record: string, exponents: readonly number[]): number {
  return exponents.reduce((digits, at) => {
    exponent.lastIndex = at
    return digits + Number(exponent.exec(record)?.[1] ?? 0)
  }, 0)
}

const exponent = /[eE][+-]?(\d+)/y
