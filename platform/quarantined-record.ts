import { rawTable } from '../domain/contracts/tables.ts'
import type { BookedRecord } from './booked-record.ts'
import { findBooked } from './booked-record.ts'
import type { Database, Transaction } from './database.ts'
import { inTransaction } from './database.ts'
import { judgeRecord, Problem, type JudgedRecord } from './judge-record.ts'
import type { Source, Sources } from './sources.ts'

/** A record by its file and its place in it, as people type it: `orders/2025-12-13/orders.json:17`. */
export interface RecordId {
  readonly path: string
  readonly recordNo: number
  /** Delivery date, where several days brought a file of this name. */
  readonly date?: string | undefined
}

/** A record that cannot be found or corrected, in words for the person who asked. */
export class RecordRefused extends Error {
  override name = 'RecordRefused'
}

/** What somebody decided about a record. */
export interface Decision {
  readonly action: 'fix' | 'drop'
  readonly record_before: string
  readonly record_after: string
  readonly made_by: string
  readonly reason: string
  readonly made_at: Date
  readonly published_at: Date | null
}

/** A record that is in quarantine, or about which something was decided. */
export interface QuarantinedRecord {
  readonly id: RecordId
  readonly source: Source
  readonly fileId: number
  readonly sha256: string
  readonly loadDate: string
  readonly header: string[] | null
  readonly isFileNested: boolean
  /** As it was delivered. */
  readonly delivered: string
  /** The text that counts now: the delivered one, or that of the fix in force. */
  readonly text: string
  /** What the last run of the day found; empty when it is not in quarantine. */
  readonly problems: readonly Problem[]
  /** The text in which it found them; null when the record is not in quarantine. */
  readonly rejected: string | null
  readonly recordId: string | null
  readonly quarantinedAt: Date | null
  /** Oldest first; the last is in force. */
  readonly decisions: readonly Decision[]
}

interface FileRow {
  file_id: number
  source: string
  load_date: string
  sha256: string
  header: string[] | null
  is_nested: boolean
}

/** @throws RecordRefused when there is no such record, or it was never rejected */
export async function findRecord(
  database: Database | Transaction,
  sources: Sources,
  id: RecordId,
): Promise<QuarantinedRecord> {
  const file = await findFile(database, id)
  const source = sources.get(file.source)
  if (source === undefined) throw new RecordRefused(`${file.source} is no source any more`)
  const decisions = await readDecisions(database, file, id)
  const bad = await database.query<{
    record_id: string | null
    problems: unknown
    record: string
    quarantined_at: Date
  }>(
    `select record_id, problems, record, quarantined_at from audit.bad_records
     where file_id = $1 and record_no = $2`,
    [file.file_id, id.recordNo],
  )
  const raw = await database.query<{ record: string }>(
    `select record from ${rawTable(source.contract)}
     where load_date = $1 and file_id = $2 and record_no = $3`,
    [file.load_date, file.file_id, id.recordNo],
  )
  const [inQuarantine] = bad.rows
  const delivered = raw.rows[0]?.record
  if (delivered === undefined) throw new RecordRefused(`${id.path} has no record ${id.recordNo}`)
  if (inQuarantine === undefined && decisions.length === 0) {
    throw new RecordRefused(
      `${wordsFor(id)} is not in quarantine: a record that is booked is corrected in its file`,
    )
  }
  const latest = decisions.at(-1)
  return {
    ...{ id, source, fileId: file.file_id, sha256: file.sha256, loadDate: file.load_date },
    ...{ header: file.header, isFileNested: file.is_nested, delivered, decisions },
    text: latest?.action === 'fix' ? latest.record_after : delivered,
    problems: Problem.array().parse(inQuarantine?.problems ?? []),
    rejected: inQuarantine?.record ?? null,
    recordId: inQuarantine?.record_id ?? null,
    quarantinedAt: inQuarantine?.quarantined_at ?? null,
  }
}

export function wordsFor({ path, recordNo }: RecordId): string {
  return `${path}:${recordNo}`
}

async function findFile(database: Database | Transaction, id: RecordId): Promise<FileRow> {
  const { rows } = await database.query<FileRow>(
    `select file_id, source, load_date, sha256, header, is_nested from audit.source_files
     where path = $1 and ($2::date is null or load_date = $2) and state = 'loaded'
     order by load_date`,
    [id.path, id.date ?? null],
  )
  const [file, ...others] = rows
  if (file === undefined) {
    throw new RecordRefused(
      `no file ${id.path} is in the books; \`daybook quarantine\` lists records`,
    )
  }
  if (others.length > 0) {
    const dates = rows.map((row) => row.load_date).join(', ')
    throw new RecordRefused(`${id.path} was delivered on ${dates}: name the day by --date`)
  }
  return file
}

/** Whoever decides about a record and a run that judges its file wait for one another. */
async function lockFile(transaction: Transaction, { path }: RecordId): Promise<void> {
  await transaction.query(
    `select from audit.source_files where path = $1 and state = 'loaded' for no key update`,
    [path],
  )
}

async function readDecisions(
  database: Database | Transaction,
  file: FileRow,
  { path, recordNo }: RecordId,
): Promise<Decision[]> {
  const { rows } = await database.query<Decision>(
    `select action, record_before, record_after, made_by, reason, made_at, published_at
     from audit.record_fixes
     where source = $1 and load_date = $2 and path = $3 and sha256 = $4 and record_no = $5
     order by fix_id`,
    [file.source, file.load_date, path, file.sha256, recordNo],
  )
  return rows
}

/** Who decided, and why. */
export interface Signature {
  readonly by: string
  readonly reason: string
}

interface Fixing {
  readonly sources: Sources
  readonly id: RecordId
  /** The text that is to count, made from the one that counts now. */
  readonly correct: (record: QuarantinedRecord) => Buffer
  readonly signature: Signature
  readonly isDryRun: boolean
}

export interface FixedRecord {
  /** As it was before. */
  readonly record: QuarantinedRecord
  readonly judged: JudgedRecord
  /** Another record of its key that the books have; undefined when there is none, or rules are broken. */
  readonly booked: BookedRecord | undefined
}

/**
 * Corrects a record: from the next run of its day on it counts as if its file had held the new text.
 * A text that breaks rules is judged and not kept; a dry run keeps nothing.
 * @throws RecordRefused, NotOneRecordError
 */
export async function fixRecord(database: Database, fixing: Fixing): Promise<FixedRecord> {
  return inTransaction(database, async (transaction) => {
    await lockFile(transaction, fixing.id)
    const record = await findRecord(transaction, fixing.sources, fixing.id)
    const { loadDate, fileId, header, isFileNested, source } = record
    const judged = await judgeRecord(transaction, {
      ...{ contract: source.contract, loadDate, fileId, header, isFileNested },
      ...{ recordNo: fixing.id.recordNo, text: fixing.correct(record) },
    })
    if (judged.problems.length > 0) return { record, judged, booked: undefined }
    const booked = await findBooked(transaction, source.contract, record)
    if (!fixing.isDryRun) {
      await keepDecision(transaction, record, { ...fixing.signature, action: 'fix', ...judged })
    }
    return { record, judged, booked }
  })
}

/**
 * Gives a record up: it stays counted as quarantined, and a fix of it no longer counts.
 * @throws RecordRefused
 */
export async function dropRecord(
  database: Database,
  { sources, id, signature }: Pick<Fixing, 'sources' | 'id' | 'signature'>,
): Promise<QuarantinedRecord> {
  return inTransaction(database, async (transaction) => {
    await lockFile(transaction, id)
    const record = await findRecord(transaction, sources, id)
    const given = { record: record.delivered, fields: null, isNested: false }
    await keepDecision(transaction, record, { ...signature, action: 'drop', ...given })
    return record
  })
}

type Kept = Signature &
  Pick<JudgedRecord, 'record' | 'fields' | 'isNested'> & { readonly action: Decision['action'] }

/** A record that was never booked otherwise is given up at once; anything else waits for a run. */
async function keepDecision(
  transaction: Transaction,
  record: QuarantinedRecord,
  kept: Kept,
): Promise<void> {
  const { source, loadDate, id, sha256, text } = record
  await transaction.query(
    `insert into audit.record_fixes (source, load_date, path, sha256, record_no, action,
       record_before, record_after, fields, is_nested, made_by, reason, published_at)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
       case when $6 = 'drop' and not exists (
         select from audit.record_fixes
         where source = $1 and load_date = $2 and path = $3 and sha256 = $4 and record_no = $5
           and action = 'fix' and staged_at is not null) then now() end`,
    [
      ...[source.contract.source, loadDate, id.path, sha256, id.recordNo, kept.action],
      ...[text, kept.record, kept.fields, kept.isNested, kept.by, kept.reason],
    ],
  )
}
