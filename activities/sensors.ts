import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import type { ApplicationFailure } from '@temporalio/activity'
import { Context } from '@temporalio/activity'
import type { Database } from '../platform/database.ts'
import {
  followRedirects,
  RefusedAddressError,
  withoutSecrets,
} from '../platform/follow-redirects.ts'
import { readFirstRow } from '../platform/read-only.ts'
import type { SuccessfulRun } from '../platform/successful-run.ts'
import { findSuccessfulRun } from '../platform/successful-run.ts'
import { badInput } from './bad-input.ts'

export interface SensorDeps {
  readonly database: Database
  /** The only folder in which files are looked for. */
  readonly landingDir: string
  readonly sqlTimeoutMs?: number
  readonly httpTimeoutMs?: number
}

export interface FileInput {
  /** Inside the landing folder; `{date}` stands for the date. */
  readonly path: string
  readonly date?: string
}

export interface RowInput {
  /** One statement; its values are `$1`, `$2`, … */
  readonly sql: string
  readonly values?: readonly (string | number | boolean | null)[]
}

export interface UrlInput {
  /** `{date}` stands for the date. */
  readonly url: string
  readonly date?: string
}

const defaultTimeoutMs = 30_000

/** For `sensor`: each looks once, and returns false where what it looks for is not there yet. */
export function createSensorActivities({
  database,
  landingDir,
  sqlTimeoutMs = defaultTimeoutMs,
  httpTimeoutMs = defaultTimeoutMs,
}: SensorDeps) {
  return {
    /**
     * A file in the landing folder.
     * @throws BadInput (never retried) for a path that leads out of it, also by a link
     */
    async fileArrived({ path, date }: FileInput): Promise<{ path: string; bytes: number } | false> {
      const wanted = filled(path, date)
      const file = await findInside(landingDir, wanted)
      return file === undefined ? false : { path: wanted, bytes: file.bytes }
    },

    /**
     * A row that a query finds; the first one. Nothing can be written, and one look takes 30 s at most.
     * @throws BadInput (never retried) when it is not one select that writes nothing
     */
    async rowFound({ sql, values = [] }: RowInput): Promise<Record<string, unknown> | false> {
      try {
        return (await readFirstRow(database, { sql, values, timeoutMs: sqlTimeoutMs })) ?? false
      } catch (error) {
        throw withoutHope(error) ?? error
      }
    },

    /**
     * An address that answers with a status from 200 to 299.
     * @throws BadInput (never retried) for an address that is not http or https, or leads away from it
     */
    async urlAnswers({ url, date }: UrlInput): Promise<{ status: number } | false> {
      return askUrl(filled(url, date, withoutSecrets(url)), httpTimeoutMs)
    },

    /** A successful run of another DAG: the latest one for the date. */
    async runSucceeded(run: { dagId: string; date: string }): Promise<SuccessfulRun | false> {
      return (await findSuccessfulRun(database, run)) ?? false
    },
  }
}

function filled(text: string, date: string | undefined, shown = text): string {
  if (date !== undefined) return text.replaceAll('{date}', date)
  if (!text.includes('{date}')) return text
  throw badInput(`"${shown}" has a place for a date and got none; hand on { date }`)
}

async function findInside(root: string, path: string): Promise<{ bytes: number } | undefined> {
  if (isAbsolute(path) || !isInside(root, join(root, path))) throw outside(path, root)
  try {
    const real = await realpath(join(root, path))
    if (!isInside(await realpath(root), real)) throw outside(path, root)
    const found = await stat(real)
    return found.isFile() ? { bytes: found.size } : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function outside(path: string, root: string): ApplicationFailure {
  return badInput(`"${path}" leads out of ${root}; name a file inside that folder`)
}

/** Statements that no waiting makes right: a syntax error, or one that writes. */
const hopeless: Readonly<Record<string, string>> = {
  '42601': 'is not one select of SQL',
  // What a cursor says to a `with` that writes.
  '0A000': 'writes, or is more than PostgreSQL can do; a sensor only looks',
  '25006': 'writes; a sensor only looks',
}

function withoutHope(error: unknown): ApplicationFailure | undefined {
  const why = hopeless[codeOf(error)]
  if (why === undefined || !(error instanceof Error)) return undefined
  return badInput(`The query ${why}: ${error.message}`)
}

async function askUrl(first: string, timeoutMs: number): Promise<{ status: number } | false> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([timeout, Context.current().cancellationSignal])
  try {
    const answer = await followRedirects(first, (url) => look(url, signal))
    return answer.isOk ? { status: answer.status } : false
  } catch (error) {
    throw error instanceof RefusedAddressError ? badInput(error.message) : error
  }
}

async function look(url: URL, signal: AbortSignal) {
  // fetch refuses it as well, with the password in its message.
  if (url.username !== '' || url.password !== '') {
    throw new RefusedAddressError(
      `The address ${withoutSecrets(url.href)} has a user or a password, which a sensor does not send; leave it out`,
    )
  }
  const response = await fetch(url, { redirect: 'manual', signal })
  await response.body?.cancel()
  const { status, headers } = response
  const location = status >= 300 && status < 400 ? headers.get('location') : null
  return { status, isOk: response.ok, location: location ?? undefined }
}
