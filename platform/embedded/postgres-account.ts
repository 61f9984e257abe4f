import { execFile } from 'node:child_process'
import { chown, cp, mkdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { CannotStart } from './cannot-start.ts'

const run = promisify(execFile)

/** The account that PostgreSQL runs under. */
export interface Account {
  uid: number
  gid: number
}

/**
 * PostgreSQL refuses to run as root. Started by root, it runs as the user `postgres`, who is made
 * if missing; started by anybody else, as that person (undefined).
 */
export async function findPostgresAccount(): Promise<Account | undefined> {
  if (userInfo().uid !== 0) return undefined
  const existing = await lookUpAccount()
  if (existing !== undefined) return existing
  try {
    await run('useradd', ['--system', '--user-group', '--shell', '/usr/sbin/nologin', 'postgres'])
  } catch (error) {
    throw new CannotStart(
      'PostgreSQL does not run as root, and there is no user postgres to run it as',
      'start Daybook as an ordinary user, or run: useradd --system --user-group postgres',
      { cause: error },
    )
  }
  const created = await lookUpAccount()
  if (created === undefined) throw new Error('useradd made no user postgres')
  return created
}

async function lookUpAccount(): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'])))
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) }
  } catch {
    return undefined
  }
}

/** Whether every folder down to `path` lets the account through. */
export async function canReach(path: string, account: Account | undefined): Promise<boolean> {
  if (account === undefined) return true
  for (let folder = path; ; folder = dirname(folder)) {
    const info = await stat(folder).catch(() => undefined)
    if (info !== undefined && !letsThrough(info, account)) return false
    if (folder === dirname(folder)) return true
  }
}

function letsThrough(
  info: { uid: number; gid: number; mode: number },
  { uid, gid }: Account,
): boolean {
  if (info.uid === uid) return (info.mode & 0o100) !== 0
  if (info.gid === gid) return (info.mode & 0o010) !== 0
  return (info.mode & 0o001) !== 0
}

/** The wanted folder, or when the account cannot get there one that stands for it elsewhere. */
export async function reachableFolder(
  wanted: string,
  account: Account | undefined,
): Promise<string> {
  if (await canReach(wanted, account)) return wanted
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 12)
  for (const folder of [join('/var/lib/daybook', name), join(tmpdir(), `daybook-${name}`)]) {
    if (await makeFolder(folder, account)) return folder
  }
  throw new CannotStart(
    `PostgreSQL runs as user postgres, who cannot reach ${wanted} or write under /var/lib`,
    'set DAYBOOK_HOME to a folder outside private home folders, or start as an ordinary user',
  )
}

async function makeFolder(folder: string, account: Account | undefined): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    // Anybody may have made a folder of that name under /tmp.
    const isOurs = (await stat(folder)).uid === userInfo().uid
    return isOurs && (await canReach(folder, account))
  } catch {
    return false
  }
}

export async function makeOwnFolder(folder: string, account: Account | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: account === undefined ? 0o700 : 0o755 })
  if (account !== undefined) await chown(folder, account.uid, account.gid)
}

/** Copies the programs (60 MB, once) to where the account can run them. */
export async function reachablePrograms(
  nativeDir: string,
  version: string,
  account: Account | undefined,
): Promise<string> {
  if (await canReach(join(nativeDir, 'bin', 'postgres'), account)) return nativeDir
  const target = join(await reachableFolder(nativeDir, account), `postgres-${version}`)
  const isThere = await stat(join(target, 'bin', 'postgres')).catch(() => undefined)
  if (isThere !== undefined) return target
  const staged = `${target}.${process.pid}`
  await cp(nativeDir, staged, { recursive: true, verbatimSymlinks: true })
  await rename(staged, target).catch(() => rm(staged, { recursive: true, force: true }))
  return target
}
