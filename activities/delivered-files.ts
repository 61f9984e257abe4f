import { ApplicationFailure } from '@temporalio/activity'
import { failureTypes } from '../domain/failures.ts'
import type { Database } from '../platform/database.ts'
import { AskLaterError, fetchToLanding } from '../platform/landing/fetch-to-landing.ts'
import { findFiles, findMisnamed, type LandingFile } from '../platform/landing/find-files.ts'
import type { Source } from '../platform/sources.ts'

const dayMs = 86_400_000

/**
 * The files that a day has to load; asks the source's API where it has one and no file is there.
 * @throws MissingSource, EmptyFile, UnreadableFile (never retried)
 */
export async function deliveredFiles(
  database: Database,
  source: Source,
  date: string,
): Promise<LandingFile[]> {
  let files = await filesOfDay(database, source, date)
  if (files.length === 0 && source.url && isRecent(date)) {
    await fetchToLanding(source.url, source.expected(date), source.contract).catch(failWith)
    files = await filesOfDay(database, source, date)
  }
  if (files.length === 0 && !source.isOptional) throw await missing(source, date)
  const empty = files.find((file) => file.bytes === 0)
  if (empty) {
    throw ApplicationFailure.nonRetryable(
      `${empty.name} is empty (0 bytes). Deliver it again; a day without records is [] or a header.`,
      failureTypes.emptyFile,
    )
  }
  return files
}

async function missing(source: Source, date: string): Promise<ApplicationFailure> {
  const misnamed = await findMisnamed(source.files(date))
  const found =
    misnamed.length === 0
      ? ''
      : ` There is ${misnamed.slice(0, 3).join(', ')}, which is not read: a name must be exact.`
  return ApplicationFailure.nonRetryable(
    `No ${source.contract.source} file for ${date}: expected ${source.expected(date)}.${found} ` +
      'Deliver it, then run the day again.',
    failureTypes.missingSource,
  )
}

/** An API tells what holds now: asking it for a day long past would misdate the answer. */
function isRecent(date: string): boolean {
  return Date.now() - Date.parse(date) < 3 * dayMs
}

/**
 * The files that a day may bring, less those that an earlier day has brought already.
 * @throws MissingSource, UnreadableFile (never retried)
 */
export async function filesOfDay(
  database: Database,
  source: Source,
  date: string,
): Promise<LandingFile[]> {
  const files = await findFiles(source.files(date)).catch(failWith)
  const taken = await database.query<{ path: string }>(
    `select path from audit.source_files
     where source = $1 and path = any($2) and load_date < $3 and state <> 'superseded'`,
    [source.contract.source, files.map((file) => file.name), date],
  )
  const takenNames = new Set(taken.rows.map((row) => row.path))
  return files.filter((file) => !takenNames.has(file.name))
}

/** Whether a day extracts a source: one that need not deliver daily on Mondays, or when a file waits. */
export function isDue(source: Source, date: string, files: readonly LandingFile[]): boolean {
  const isMonday = new Date(`${date}T00:00:00Z`).getUTCDay() === 1
  return source.isOptional !== true || isMonday || files.length > 0
}

const typesByName: Readonly<Record<string, string>> = {
  UnreadableFile: failureTypes.unreadableFile,
  SchemaDrift: failureTypes.schemaDrift,
  MissingSource: failureTypes.missingSource,
  RefusedAddress: failureTypes.badInput,
}

/** What trying again cannot help is never retried; everything else passes through. */
export function asFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { message } = error
  if (error instanceof AskLaterError) {
    return ApplicationFailure.create({ message, nextRetryDelay: error.afterMs })
  }
  const type = typesByName[error.name]
  return type === undefined ? error : ApplicationFailure.nonRetryable(message, type)
}

function failWith(error: unknown): never {
  throw asFailure(error)
}
