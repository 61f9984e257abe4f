import type { Contract } from '../domain/contracts/contract.ts'
import type { Database, Transaction } from '../platform/database.ts'
import type { LandingFile } from '../platform/landing/find-files.ts'
import type { LoadedFile } from '../platform/landing/load-file.ts'
import { currentAttempt } from './current-attempt.ts'

/** A version of a file in audit.source_files. */
export interface KnownFile {
  readonly file_id: number
  readonly path: string
  readonly sha256: string
  readonly records_received: number
}

/** Files whose content was a duplicate of one that has changed since: theirs counts again. */
export async function withoutVersion(
  database: Database,
  contract: Contract,
  date: string,
  files: readonly LandingFile[],
): Promise<LandingFile[]> {
  const current = await database.query<{ path: string }>(
    `select path from audit.source_files
     where source = $1 and load_date = $2 and state <> 'superseded'`,
    [contract.source, date],
  )
  const names = new Set(current.rows.map((row) => row.path))
  return files.filter((file) => !names.has(file.name))
}

export async function isNoted(
  transaction: Transaction,
  contract: Contract,
  date: string,
  file: LandingFile,
  known: KnownFile,
): Promise<boolean> {
  const noted = await transaction.query(
    `select from audit.source_files
     where source = $1 and load_date = $2 and path = $3 and state = 'duplicate' and duplicate_of = $4`,
    [contract.source, date, file.name, known.file_id],
  )
  return noted.rowCount === 1
}

/** Its duplicates are superseded with a file: one of them is loaded in its place. */
export async function supersede(
  transaction: Transaction,
  contract: Contract,
  date: string,
  file: LandingFile,
): Promise<void> {
  await transaction.query(
    `with older as (
       update audit.source_files set state = 'superseded'
       where source = $1 and load_date = $2 and path = $3 and state <> 'superseded'
       returning file_id
     )
     update audit.source_files set state = 'superseded'
     where duplicate_of in (select file_id from older) and state = 'duplicate'`,
    [contract.source, date, file.name],
  )
}

export async function registerFile(
  transaction: Transaction,
  contract: Contract,
  date: string,
  file: LandingFile,
): Promise<number> {
  const inserted = await transaction.query<{ file_id: number }>(
    `insert into audit.source_files
       (source, load_date, path, sha256, bytes, format, state, records_received, run_id)
     values ($1, $2, $3, '', $4, $5, 'loaded', 0, $6) returning file_id`,
    [contract.source, date, file.name, file.bytes, contract.format, currentAttempt().runId],
  )
  const fileId = inserted.rows[0]?.file_id
  if (fileId === undefined) throw new Error(`${file.name} could not be registered`)
  return fileId
}

export async function completeFile(
  transaction: Transaction,
  fileId: number,
  loaded: LoadedFile,
): Promise<void> {
  await transaction.query(
    `update audit.source_files
     set sha256 = $2, records_received = $3, header = $4, is_nested = $5 where file_id = $1`,
    [fileId, loaded.sha256, loaded.records, loaded.header ?? null, loaded.isNested],
  )
}
