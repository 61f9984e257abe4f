import { Context } from '@temporalio/activity'
import type { Contract } from '../domain/contracts/contract.ts'
import { rawTable } from '../domain/contracts/tables.ts'
import type { Database } from '../platform/database.ts'
import type { LandingFile } from '../platform/landing/find-files.ts'
import { digestFile, loadFile } from '../platform/landing/load-file.ts'
import { ensurePartition } from '../platform/partitions.ts'
import type { Source, Sources } from '../platform/sources.ts'
import { currentAttempt } from './current-attempt.ts'
import { asFailure, deliveredFiles, filesOfDay, isDue } from './delivered-files.ts'
import { reportProgress } from './progress.ts'
import {
  completeFile,
  isNoted,
  registerFile,
  supersede,
  withoutVersion,
  type KnownFile,
} from './source-files.ts'
import { sourceNamed } from './source-named.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface SourceInput {
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  readonly source: string
}

export interface ExtractResult {
  readonly files: number
  readonly rowsIn: number
  readonly rowsOut: number
  readonly bytes: number
}

export function createExtractActivities(deps: { database: Database; sources: Sources }) {
  const { database, sources } = deps
  return {
    /**
     * Loads a day's files into raw as they are; a file known by content is not loaded again, a changed
     * file takes the place of its older version. Repeatable.
     * @throws MissingSource, UnreadableFile, EmptyFile, SchemaDrift (never retried)
     */
    async extractSource(input: SourceInput): Promise<ExtractResult> {
      const source = sourceNamed(sources, input.source)
      const files = await deliveredFiles(database, source, input.date)
      const results = new Map<string, ExtractResult>()
      let waiting = files
      while (waiting.length > 0) {
        for (const file of waiting) {
          results.set(file.name, await extractFile(database, source, input.date, file))
        }
        waiting = await withoutVersion(database, source.contract, input.date, files)
      }
      return [...results.values()].reduce(add, { files: 0, rowsIn: 0, rowsOut: 0, bytes: 0 })
    },

    /** Chooses extract_products on Mondays, or when a catalogue waits in the landing zone. */
    async chooseProducts(input: { date: string }): Promise<'extract_products'[]> {
      const source = sourceNamed(sources, 'products')
      const files = await filesOfDay(database, source, input.date)
      return isDue(source, input.date, files) ? ['extract_products'] : []
    },
  }
}

async function extractFile(
  database: Database,
  source: Source,
  date: string,
  file: LandingFile,
): Promise<ExtractResult> {
  const { contract } = source
  try {
    const known = await sameContent(database, contract, date, file)
    if (known) return await recognise(database, contract, date, file, known)
    return await loadNewFile(database, source, date, file)
  } catch (error) {
    throw asFailure(error)
  }
}

/**
 * A file of the same size may be the same file: only then is its digest worth a read of its own. It is
 * recognised under another name of the same day. Another day's file never makes it a duplicate: which
 * of the two were one would depend on the order in which their days are run.
 */
async function sameContent(
  database: Database,
  contract: Contract,
  date: string,
  file: LandingFile,
) {
  const candidates = await database.query<KnownFile>(
    `select file_id, path, sha256, records_received from audit.source_files
     where source = $1 and bytes = $2 and state = 'loaded' and load_date = $3 and (path = $4 or $5)
     order by file_id`,
    [contract.source, file.bytes, date, file.name, contract.family !== 'products'],
  )
  if (candidates.rows.length === 0) return undefined
  const sha256 = await digestFile(file)
  const same = candidates.rows.filter((known) => known.sha256 === sha256)
  return same.find((known) => known.path === file.name) ?? same[0]
}

async function recognise(
  database: Database,
  contract: Contract,
  date: string,
  file: LandingFile,
  known: KnownFile,
): Promise<ExtractResult> {
  const records = known.records_received
  if (known.path !== file.name) {
    await writeInAttempt(database, async (transaction) => {
      if (await isNoted(transaction, contract, date, file, known)) return
      await supersede(transaction, contract, date, file)
      await transaction.query(
        `insert into audit.source_files (source, load_date, path, sha256, bytes, format, state,
           duplicate_of, records_received, records_loaded, records_quarantined, records_duplicate, run_id)
         values ($1, $2, $3, $4, $5, $6, 'duplicate', $7, $8, 0, 0, $8, $9)`,
        [
          contract.source,
          date,
          file.name,
          known.sha256,
          file.bytes,
          contract.format,
          known.file_id,
          records,
          currentAttempt().runId,
        ],
      )
    })
  }
  return { files: 1, rowsIn: records, rowsOut: 0, bytes: file.bytes }
}

async function loadNewFile(
  database: Database,
  source: Source,
  date: string,
  file: LandingFile,
): Promise<ExtractResult> {
  const { contract, unpackLimits } = source
  return writeInAttempt(database, async (transaction) => {
    await supersede(transaction, contract, date, file)
    const partition = await ensurePartition(transaction, rawTable(contract), date)
    const fileId = await registerFile(transaction, contract, date, file)
    const context = Context.current()
    const loaded = await loadFile(transaction, {
      contract,
      file,
      loadDate: date,
      fileId,
      limits: unpackLimits,
      signal: context.cancellationSignal,
      onProgress: (records) => {
        reportProgress({ file: file.name, records })
      },
    })
    await completeFile(transaction, fileId, loaded)
    // Judging is planned by it: taken for one row, each raw record is compared with each bad one.
    await transaction.query(`analyze ${partition}`)
    return { files: 1, rowsIn: loaded.records, rowsOut: loaded.records, bytes: file.bytes }
  })
}

function add(one: ExtractResult, other: ExtractResult): ExtractResult {
  return {
    files: one.files + other.files,
    rowsIn: one.rowsIn + other.rowsIn,
    rowsOut: one.rowsOut + other.rowsOut,
    bytes: one.bytes + other.bytes,
  }
}
