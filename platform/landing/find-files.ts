import { lstat, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** A regular file of a landing zone. */
export interface LandingFile {
  readonly path: string
  /** Path inside the landing zone, with forward slashes: the file's name in audit tables. */
  readonly name: string
  readonly bytes: number
  readonly modifiedAtMs: number
}

/** Where a source's files of a day lie: a folder and what their names look like. */
export interface FilePattern {
  readonly root: string
  readonly folder: string
  readonly fileName: RegExp
}

/** The files of a day in the order of their names; hidden and temporary names do not match patterns. */
export async function findFiles(pattern: FilePattern): Promise<LandingFile[]> {
  const names = await listFolder(join(pattern.root, pattern.folder))
  const files: LandingFile[] = []
  for (const name of names.filter((candidate) => pattern.fileName.test(candidate)).sort()) {
    const path = join(pattern.root, pattern.folder, name)
    const stat = await lstat(path)
    if (stat.isFile()) {
      const inside = relative(pattern.root, path).replaceAll('\\', '/')
      files.push({ path, name: inside, bytes: stat.size, modifiedAtMs: stat.mtimeMs })
    }
  }
  return files
}

/** Names in a folder; none where it is not there. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
