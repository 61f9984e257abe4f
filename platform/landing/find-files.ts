import type { BigIntStats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { visible } from '../../domain/records/visible-text.ts'
import { MissingSourceError, UnreadableFileError } from './unreadable-file.ts'

/** A regular file of a landing zone. */
export interface LandingFile {
  readonly path: string
  /** Path inside the landing zone, with forward slashes: the file's name in audit tables. */
  readonly name: string
  readonly bytes: number
  /** Which file it is and in which state: one that took its name, or changed, has another. */
  readonly version: string
}

/** Where a source's files of a day lie: a folder and what their names look like. */
export interface FilePattern {
  readonly root: string
  readonly folder: string
  readonly fileName: RegExp
}

/**
 * The files of a day in the order of their names; hidden and temporary names do not match patterns. A
 * hard link is a file like any other: snapshots and `rsync --link-dest` make them.
 * @throws MissingSourceError when something that is no file has the name of one
 * @throws UnreadableFileError for a name that cannot be shown or kept
 */
export async function findFiles(pattern: FilePattern): Promise<LandingFile[]> {
  const names = await namesOfDay(pattern)
  const files: LandingFile[] = []
  for (const name of names.filter((candidate) => pattern.fileName.test(candidate)).sort()) {
    const path = join(pattern.root, pattern.folder, name)
    const inside = relative(pattern.root, path).replaceAll('\\', '/')
    refuseName(inside)
    const stat = await lstat(path, { bigint: true })
    if (!stat.isFile()) {
      throw new MissingSourceError(
        `${inside} is ${kindOf(stat)}, which is not read. Deliver the file itself in its place, ` +
          'then run the day again.',
      )
    }
    files.push({ path, name: inside, bytes: Number(stat.size), version: versionOf(stat) })
  }
  return files
}

/** Names of a day's folder that are not exactly those of a delivery but may have been meant as one. */
export async function findMisnamed(pattern: FilePattern): Promise<string[]> {
  const names = await namesOfDay(pattern)
  const isMeant = (name: string) => pattern.fileName.test(asMeant(name))
  return names.filter((name) => !pattern.fileName.test(name) && isMeant(name)).map(visible)
}

function asMeant(name: string): string {
  const plain = name.normalize('NFKC').trim().toLowerCase()
  return plain.replace(/^\.+/, '').replace(/\.(?:part|partial|tmp|temp|filepart|txt)$/, '')
}

export function versionOf(stat: BigIntStats): string {
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(':')
}

/** Names in a folder; none where it is not there. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Whoever delivers makes the folder of a day; those above it are the operator's, links or not. */
async function namesOfDay({ root, folder }: FilePattern): Promise<string[]> {
  const path = join(root, folder)
  if (folder.includes('/')) await refuseUnlessFolder(path, folder)
  return listFolder(path)
}

async function refuseUnlessFolder(path: string, name: string): Promise<void> {
  const stat = await lstat(path, { bigint: true }).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (stat === undefined || stat.isDirectory()) return
  throw new MissingSourceError(
    `${name} is ${kindOf(stat)}, which is not read. Deliver a folder with the day's files in its ` +
      'place, then run the day again.',
  )
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function kindOf(stat: BigIntStats): string {
  if (stat.isSymbolicLink()) return 'a link'
  if (stat.isDirectory()) return 'a folder'
  if (stat.isFIFO()) return 'a pipe'
  if (stat.isSocket()) return 'a socket'
  return stat.isFile() ? 'a file' : 'a device'
}

/** Bytes that are no UTF-8 come as U+FFFD; marks of direction make a name look like another. */
const unfitForNames = /[\p{Cc}\p{Zl}\p{Zp}\ufffd\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

function refuseName(name: string): void {
  if (!unfitForNames.test(name)) return
  throw new UnreadableFileError(
    `${visible(name)} has a name with control characters, or that is no UTF-8. Rename it, then run ` +
      'the day again.',
  )
}
