import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fieldOf, stopsWhenMissing, type Contract } from '../../domain/contracts/contract.ts'
import { memberOf, placeJson } from '../../domain/records/json-places.ts'
import { CopyLines } from './copy-lines.ts'
import { readerFor } from './load-file.ts'
import { withoutMark } from './text-start.ts'
import { longestRecordBytes, quoteBytes, UnreadableFileError } from './unreadable-file.ts'

/**
 * Reads a file as its source's without keeping anything of it.
 * @throws UnreadableFileError, SchemaDriftError when it is not whole, or one object that is no record, as
 * an API tells its errors
 */
export async function refuseOtherRecords(path: string, contract: Contract): Promise<void> {
  const lines = new CopyLines('', 0)
  const reader = readerFor(contract, lines)
  let bytes = 0
  for await (const chunk of withoutMark(createReadStream(path))) {
    reader.push(chunk.toString('latin1'))
    bytes += chunk.length
    lines.take()
  }
  reader.end()
  const isOneObject = lines.records === 1 && bytes <= longestRecordBytes
  if (contract.format === 'json' && isOneObject) await refuseOtherObject(path, contract)
}

async function refuseOtherObject(path: string, contract: Contract): Promise<void> {
  const text = (await readFile(path, 'utf8')).trim()
  if (!text.startsWith('{')) return
  const record = placeJson(text)
  const required = contract.columns.filter(stopsWhenMissing).map(fieldOf)
  if (required.some((field) => memberOf(record, field) !== undefined)) return
  throw new UnreadableFileError(
    `is no ${contract.source} record: ${quoteBytes(Buffer.from(text.slice(0, 200), 'utf8').toString('latin1'), 200)}`,
  )
}
