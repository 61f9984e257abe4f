import { createHash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { from as copyFrom } from 'pg-copy-streams'
import { fieldOf, stopsWhenMissing, type Contract } from '../../domain/contracts/contract.ts'
import { rawTable } from '../../domain/contracts/tables.ts'
import type { Transaction } from '../database.ts'
import { CopyLines } from './copy-lines.ts'
import { CsvRecords } from './csv-records.ts'
import type { LandingFile } from './find-files.ts'
import { JsonRecords } from './json-records.ts'
import { openLandingFile } from './open-file.ts'
import { UnreadableFileError } from './unreadable-file.ts'

export interface LoadedFile {
  readonly sha256: string
  readonly records: number
  readonly header: string[] | undefined
  readonly isNested: boolean
}

export interface LoadFileInput {
  readonly contract: Contract
  readonly file: LandingFile
  readonly loadDate: string
  readonly fileId: number
  readonly signal?: AbortSignal
  readonly onProgress?: (records: number) => void
}

/**
 * Streams a file into its raw table by COPY, record by record as it is, in flat memory; its digest is
 * taken from the same bytes.
 * @throws UnreadableFileError, SchemaDriftError with the file's name; nothing is kept then
 */
export async function loadFile(
  transaction: Transaction,
  input: LoadFileInput,
): Promise<LoadedFile> {
  const { contract, file } = input
  const lines = new CopyLines(input.loadDate, input.fileId)
  const hash = createHash('sha256')
  const reader = readerFor(contract, lines)
  const source = await openNaming(file)
  const copy = transaction.query(copyInto(rawTable(contract)))
  const records = recordsToCopy(reader, lines, input.onProgress)
  const options = input.signal ? { signal: input.signal } : {}
  try {
    if (isGzip(file)) await pipeline(source, hashing(hash), createGunzip(), records, copy, options)
    else await pipeline(source, hashing(hash), records, copy, options)
  } catch (error) {
    throw namingFile(error, file)
  }
  await refuseChangedFile(file)
  return {
    sha256: hash.digest('hex'),
    records: lines.records,
    header: reader instanceof CsvRecords ? reader.header : undefined,
    isNested: reader instanceof JsonRecords && reader.hasLines,
  }
}

/** Takes the lines of `CopyLines` into a table with the columns of a raw table. */
export function copyInto(table: string) {
  return copyFrom(
    `copy ${table} (load_date, file_id, record_no, record, fields, problem) from stdin`,
  )
}

export async function digestFile(file: LandingFile): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(await openNaming(file), hash)
  return hash.digest('hex')
}

async function openNaming(file: LandingFile) {
  return openLandingFile(file).catch((error: unknown) => {
    throw namingFile(error, file)
  })
}

type Reader = JsonRecords | CsvRecords

/** What cuts a source's text into records. */
export function readerFor(contract: Contract, lines: CopyLines): Reader {
  if (contract.format === 'json') return new JsonRecords(lines, contract.linesField)
  const required = contract.columns.filter(stopsWhenMissing).map(fieldOf)
  return new CsvRecords(lines, required)
}

function hashing(hash: ReturnType<typeof createHash>) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk)
      yield chunk
    }
  }
}

function recordsToCopy(
  reader: Reader,
  lines: CopyLines,
  onProgress: ((records: number) => void) | undefined,
) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    let isFirst = true
    for await (const chunk of chunks) {
      reader.push((isFirst ? withoutByteOrderMark(chunk) : chunk).toString('latin1'))
      isFirst = false
      onProgress?.(lines.records)
      if (lines.size > 0) yield lines.take()
    }
    reader.end()
    if (lines.size > 0) yield lines.take()
  }
}

function withoutByteOrderMark(chunk: Buffer): Buffer {
  if (chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) return chunk.subarray(3)
  const isUtf16 =
    (chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff)
  if (isUtf16) throw new UnreadableFileError('is UTF-16 text; save it as UTF-8')
  return chunk
}

function isGzip(file: LandingFile): boolean {
  return file.name.endsWith('.gz')
}

function namingFile(error: unknown, file: LandingFile): unknown {
  if (!(error instanceof Error)) return error
  const isGzipError = 'code' in error && String(error.code).startsWith('Z_')
  if (isGzipError)
    return new UnreadableFileError(`${file.name} is not a whole gzip file: ${error.message}`)
  if (error.name === 'UnreadableFile' || error.name === 'SchemaDrift') {
    error.message = `${file.name} ${error.message}`
  }
  return error
}

/** Half-written files are refused for now and tried again: their digest would be of no file. */
async function refuseChangedFile(file: LandingFile): Promise<void> {
  const stat = await lstat(file.path)
  if (stat.size === file.bytes && stat.mtimeMs === file.modifiedAtMs) return
  throw new Error(`${file.name} changed while it was read; it is read again at the next attempt`)
}
