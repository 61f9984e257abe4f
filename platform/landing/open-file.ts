import { constants, type ReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { LandingFile } from './find-files.ts'
import { UnreadableFileError } from './unreadable-file.ts'

const readBytes = 1024 * 1024
// A pipe that took the file's place must not block whoever opens it.
const howToOpen = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens a file that was found in the landing zone, itself: what took its name since then is told by the
 * open file, not by its path.
 * @throws UnreadableFileError when a link or something else that is no file has its name now
 */
export async function openLandingFile(file: LandingFile): Promise<ReadStream> {
  const handle = await open(file.path, howToOpen).catch((error: unknown) => {
    if (isLink(error)) throw new UnreadableFileError(`is a link now; ${remedy}`)
    throw error
  })
  const stat = await handle.stat()
  if (stat.isFile()) return handle.createReadStream({ highWaterMark: readBytes })
  await handle.close()
  throw new UnreadableFileError(`is no regular file any more; ${remedy}`)
}

const remedy = 'deliver the file itself, then run the day again'

function isLink(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOOP'
}
