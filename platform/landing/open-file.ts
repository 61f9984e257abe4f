import { constants, type ReadStream } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { versionOf, type LandingFile } from './find-files.ts'
import { UnreadableFileError } from './unreadable-file.ts'

const readBytes = 1024 * 1024
// A pipe that took the file's place must not block whoever opens it.
const howToOpen = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens a file that was found in the landing zone, itself: what took its name since then is told by the
 * open file, not by its path.
 * @throws UnreadableFileError when a link or something else that is no file has its name now
 * @throws Error when another file has it, or it changed; trying again helps
 */
export async function openLandingFile(file: LandingFile): Promise<ReadStream> {
  const handle = await open(file.path, howToOpen).catch((error: unknown) => {
    if (isLink(error)) throw new UnreadableFileError(`is a link now; ${remedy}`)
    throw error
  })
  const stat = await handle.stat({ bigint: true })
  if (stat.isFile() && versionOf(stat) === file.version) {
    return handle.createReadStream({ highWaterMark: readBytes })
  }
  await handle.close()
  if (stat.isFile()) throw changed(file)
  throw new UnreadableFileError(`is no regular file any more; ${remedy}`)
}

/**
 * Half-written files are refused for now and tried again: their digest would be of no file.
 * @throws Error when another file has its name now, or it changed
 */
export async function refuseChangedFile(file: LandingFile): Promise<void> {
  const stat = await lstat(file.path, { bigint: true }).catch(() => undefined)
  if (stat === undefined || versionOf(stat) !== file.version) throw changed(file)
}

function changed(file: LandingFile): Error {
  return new Error(
    `${file.name} changed while it was read; it is read again at the next attempt. Write files under ` +
      'another name, such as *.part, and rename them when they are whole.',
  )
}

const remedy = 'deliver the file itself, then run the day again'

function isLink(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOOP'
}
