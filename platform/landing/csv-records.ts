import Papa from 'papaparse'
import type { CopyLines } from './copy-lines.ts'
import { SchemaDriftError, UnreadableFileError } from './unreadable-file.ts'

const longestLineCharacters = 16 * 1024 * 1024
const longestQuotedCharacters = 64 * 1024

/**
 * Cuts a stream of comma-separated text with a header into records, numbered by the physical line on
 * which they start (the header is line 1). Lines without quotes pass through whole and are split by
 * PostgreSQL; the others are parsed here.
 */
export class CsvRecords {
  #rest = ''
  #lineNo = 0
  #quotedLines: string[] = []
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
    if (this.#rest.length > longestLineCharacters) {
      throw new UnreadableFileError(
        `has a line ${this.#lineNo + 1} of more than ${longestLineCharacters} bytes`,
      )
    }
    for (const line of lines) this.#line(line)
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
    else if (!this.header) this.header = this.#readHeader(line)
    else if (line !== '') this.#record(line)
  }

  #record(line: string): void {
    if (!line.includes('"')) {
      this.#addPlain(line)
    } else if (isBalanced(line)) {
      this.#addQuoted(this.#lineNo, line)
    } else {
      this.#quotedLines = [line]
    }
  }

  #addPlain(line: string): void {
    const problem = this.#widthProblem(countCommas(line) + 1)
    if (problem) this.#out.addProblem(this.#lineNo, line, problem)
    else this.#out.add(this.#lineNo, line)
  }

  #addQuoted(lineNo: number, record: string): void {
    const parsed = Papa.parse<string[]>(record, { delimiter: ',', newline: '\n' })
    const fields = parsed.data[0] ?? []
    if (parsed.errors.length > 0 || parsed.data.length !== 1) {
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

  /** A quoted field may hold line breaks; one that never closes must not swallow the file. */
  #continueQuoted(line: string): void {
    this.#quotedLines.push(line)
    const record = this.#quotedLines.join('\n')
    if (isBalanced(record)) {
      this.#addQuoted(this.#lineNo - this.#quotedLines.length + 1, record)
      this.#quotedLines = []
    } else if (record.length > longestQuotedCharacters) this.#giveUpQuoted()
  }

  #giveUpQuoted(): void {
    const [first = '', ...others] = this.#quotedLines
    this.#quotedLines = []
    this.#lineNo -= others.length
    this.#out.addProblem(this.#lineNo, first, 'malformed')
    for (const line of others) this.#line(line)
    if (this.#quotedLines.length > 0) this.#giveUpQuoted()
  }

  #readHeader(line: string): string[] {
    const fields = (Papa.parse<string[]>(line, { delimiter: ',' }).data[0] ?? []).map((field) =>
      Buffer.from(field, 'latin1').toString('utf8').trim(),
    )
    const missing = this.#requiredFields.filter((field) => !fields.includes(field))
    if (missing.length > 0) {
      throw new SchemaDriftError(
        `lacks the required column ${missing.join(', ')}; its header is: ${line.slice(0, 200)}. ` +
          (fields.length === 1 ? 'Separate columns by commas' : 'Add the column') +
          ', then deliver the file again',
      )
    }
    const repeated = fields.filter((field, index) => fields.indexOf(field) !== index)
    if (repeated.length > 0) {
      throw new SchemaDriftError(`names the column ${repeated.join(', ')} twice in its header`)
    }
    return fields
  }
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
