import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { fieldOf, stopsWhenMissing, type Contract } from '../../domain/contracts/contract.ts'
import { rawTable } from '../../domain/contracts/tables.ts'
import type { Transaction } from '../database.ts'
import { CopyLines } from './copy-lines.ts'
import { CsvRecords } from './csv-records.ts'
import type { LandingFile } from './find-files.ts'
import { JsonRecords } from './json-records.ts'
import { openLandingFile, refuseChangedFile } from './open-file.ts'
import { withoutMark } from './text-start.ts'
import { isPacked, unpacking, type UnpackLimits } from './unpack.ts'

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
  readonly limits: UnpackLimits
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
  const text = isPacked(file) ? unpacking(file, input.limits) : asItIs
  const records = recordsToCopy(reader, lines, input.onProgress)
  const options = input.signal ? { signal: input.signal } : {}
  try {
    await pipeline(source, hashing(hash), text, withoutMark, records, copy, options)
  } catch (error) {
    // What is wrong with half a file is not what to tell its sender.
    if (isOfFile(error)) await refuseChangedFile(file)
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
    for await (const chunk of chunks) {
      reader.push(chunk.toString('latin1'))
      onProgress?.(lines.records)
      if (lines.size > 0) yield lines.take()
    }
    reader.end()
    if (lines.size > 0) yield lines.take()
  }
}

async function* asItIs(chunks: AsyncIterable<Buffer>) {
  yield* chunks
}

function isOfFile(error: unknown): error is Error {
  return error instanceof Error && ['UnreadableFile', 'SchemaDrift'].includes(error.name)
}

function namingFile(error: unknown, file: LandingFile): unknown {
  if (isOfFile(error)) error.message = `${file.name} ${error.message}`
  return error
}
