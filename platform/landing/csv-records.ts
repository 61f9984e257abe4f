import Papa from 'papaparse'
import type { CopyLines } from './copy-lines.ts'
import { readHeader } from './csv-header.ts'
import { longestRecordBytes, UnreadableFileError } from './unreadable-file.ts'

const longestQuotedCharacters = 64 * 1024

/**
 * Cuts a stream of comma-separated text with a header into records, numbered by the physical line on
 * which they start (the header is line 1). Lines without quotes pass through whole and are split by
 * PostgreSQL; the others are parsed here.
 */
export class CsvRecords {
  #rest = ''
  #lineNo = 0
  #bytesRead = 0
  #quotedLines: string[] = []
  #quotedCharacters = 0
  header: string[] | undefined
  readonly #out: CopyLines
  readonly #requiredFields: readonly string[]

  constructor(out: CopyLines, requiredFields: readonly string[]) {
    this.#out = out
    this.#requiredFields = requiredFields
  }

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop() ?? ''
    this.#bytesRead += chunk.length
    for (const line of lines) this.#line(line)
    if (this.#rest.length > longestRecordBytes) {
      throw new UnreadableFileError(
        `has a line ${this.#lineNo + 1} of more than ${longestRecordBytes} bytes, from byte ` +
          `${this.#bytesRead - this.#rest.length} on. Deliver it with a line end after each record`,
      )
    }
  }

  /** @throws UnreadableFileError when there was no header, or the last line breaks off */
  end(): void {
    if (this.#rest !== '') this.#lastLine(this.#rest)
    if (this.#quotedLines.length > 0) this.#giveUpQuoted()
    if (!this.header) throw new UnreadableFileError('holds no header line')
  }

  /** A line without an end that is also too short is where a transfer broke off, not a bad record. */
  #lastLine(line: string): void {
    const missing = this.header ? this.header.length - 1 - countCommas(line) : 0
    const breaksOff = this.#quotedLines.length === 0 && (missing > 0 || !isBalanced(line))
    if (this.header && breaksOff) {
      throw new UnreadableFileError(
        `is cut off: it ends inside line ${this.#lineNo + 1}; deliver the complete file again`,
      )
    }
    this.#line(line)
  }

  #line(rawLine: string): void {
    this.#lineNo += 1
    const line = rawLine.endsWith('\r') ? rawLine.slice(0, -1) : rawLine
    if (this.#quotedLines.length > 0) this.#continueQuoted(line)
    else if (!this.header) this.header = readHeader(line, this.#requiredFields)
    else if (line !== '') this.#record(line)
  }

  #record(line: string): void {
    if (!line.includes('"')) {
      this.#addPlain(line)
    } else if (isBalanced(line)) {
      this.#addQuoted(this.#lineNo, line, splitQuoted(line))
    } else {
      this.#quotedLines = [line]
      this.#quotedCharacters = line.length
    }
  }

  #addPlain(line: string): void {
    const problem = this.#widthProblem(countCommas(line) + 1)
    if (problem) this.#out.addProblem(this.#lineNo, line, problem)
    else this.#out.add(this.#lineNo, line)
  }

  #addQuoted(lineNo: number, record: string, fields: string[] | undefined): void {
    if (fields === undefined) {
      this.#out.addProblem(lineNo, record, 'malformed')
      return
    }
    const problem = this.#widthProblem(fields.length)
    if (problem) this.#out.addProblem(lineNo, record, problem)
    else this.#out.addFields(lineNo, record, fields)
  }

  #widthProblem(columns: number): 'too_few_columns' | 'too_many_columns' | undefined {
    const expected = this.header?.length ?? 0
    if (columns === expected) return undefined
    return columns < expected ? 'too_few_columns' : 'too_many_columns'
  }

  /**
   * A quoted field may hold line breaks. A quote that never closes must not swallow the file, and one
   * that the next stray quote closes must not swallow the lines between.
   */
  #continueQuoted(line: string): void {
    this.#quotedLines.push(line)
    this.#quotedCharacters += line.length + 1
    if (isBalanced(line)) {
      if (this.#quotedCharacters > longestQuotedCharacters) this.#giveUpQuoted()
      return
    }
    const record = this.#quotedLines.join('\n')
    const fields = splitQuoted(record)
    if (fields === undefined) {
      this.#giveUpQuoted()
      return
    }
    this.#addQuoted(this.#lineNo - this.#quotedLines.length + 1, record, fields)
    this.#quotedLines = []
  }

  #giveUpQuoted(): void {
    const [first = '', ...others] = this.#quotedLines
    this.#quotedLines = []
    this.#lineNo -= others.length
    this.#out.addProblem(this.#lineNo, first, 'malformed')
    for (const line of others) this.#line(line)
  }
}

function splitQuoted(record: string): string[] | undefined {
  const parsed = Papa.parse<string[]>(record, { delimiter: ',', newline: '\n' })
  return parsed.errors.length > 0 || parsed.data.length !== 1 ? undefined : parsed.data[0]
}

function countCommas(line: string): number {
  let commas = 0
  for (let index = line.indexOf(','); index >= 0; index = line.indexOf(',', index + 1)) commas += 1
  return commas
}

function isBalanced(text: string): boolean {
  let quotes = 0
  for (let index = text.indexOf('"'); index >= 0; index = text.indexOf('"', index + 1)) quotes += 1
  return quotes % 2 === 0
}
