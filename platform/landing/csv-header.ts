import { isUtf8 } from 'node:buffer'
import Papa from 'papaparse'
import { visible } from '../../domain/records/visible-text.ts'
import { quoteBytes, SchemaDriftError, UnreadableFileError } from './unreadable-file.ts'

/** As many as a table of PostgreSQL may have. */
const mostColumns = 1_600
const longestShown = 200

/**
 * The columns that a header line names; the line has one character a byte.
 * @throws UnreadableFileError, SchemaDriftError
 */
export function readHeader(line: string, requiredFields: readonly string[]): string[] {
  if (line.includes('\r')) {
    throw new UnreadableFileError('ends its lines with CR alone; save it with LF or CRLF')
  }
  const fields = (Papa.parse<string[]>(line, { delimiter: ',', newline: '\n' }).data[0] ?? []).map(
    (field) => Buffer.from(field, 'latin1').toString('utf8').trim(),
  )
  if (fields.length > mostColumns) {
    throw new UnreadableFileError(
      `has ${fields.length} columns in its header; at most ${mostColumns} are read. Leave out those ` +
        'that the contract does not know',
    )
  }
  const missing = requiredFields.filter((field) => !fields.includes(field))
  if (missing.length > 0) {
    throw new SchemaDriftError(
      `lacks the required column ${missing.join(', ')}; its header is: ${shown(line)}. ` +
        (fields.length === 1 ? 'Separate columns by commas' : 'Add the column') +
        ', then deliver the file again',
    )
  }
  if (line.includes('\0') || !isUtf8(Buffer.from(line, 'latin1'))) {
    throw new UnreadableFileError(`has a header that is not UTF-8 text: ${shown(line)}`)
  }
  refuseRepeated(fields)
  return fields
}

function refuseRepeated(fields: readonly string[]): void {
  const seen = new Set<string>()
  for (const field of fields) {
    if (seen.has(field)) {
      const name = field === '' ? 'without a name' : visible(field.slice(0, longestShown))
      throw new SchemaDriftError(`names the column ${name} twice in its header`)
    }
    seen.add(field)
  }
}

function shown(line: string): string {
  return quoteBytes(line, longestShown).slice(1, -1)
}
