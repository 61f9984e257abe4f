import { visible } from '../../domain/records/visible-text.ts'

/** A record of more is a quote or a bracket that never closes; it is held in memory while it is read. */
export const longestRecordBytes = 16 * 1024 * 1024

/** A file that cannot be taken as a whole; the message says where it breaks and what to do. */
export class UnreadableFileError extends Error {
  override name = 'UnreadableFile'
}

/** A file whose columns are not those of its contract; nothing of it is loaded. */
export class SchemaDriftError extends Error {
  override name = 'SchemaDrift'
}

/** Something else than a file has the name of a delivery; the message says what and the remedy. */
export class MissingSourceError extends Error {
  override name = 'MissingSource'
}

/** A piece of a file as a message may show it, from one character a byte. */
export function quoteBytes(bytes: string, longest = 20): string {
  const text = Buffer.from(bytes.slice(0, longest), 'latin1').toString('utf8')
  return `"${visible(text)}"`
}
