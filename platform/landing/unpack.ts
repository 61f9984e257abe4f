import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { LandingFile } from './find-files.ts'
import { UnreadableFileError } from './unreadable-file.ts'

/** How much a packed file may unpack to: a small one can hold enough to fill the database's disk. */
export interface UnpackLimits {
  readonly mostBytes: number
  /** Times its packed size; counts beyond `floorBytes`, because small regular files pack very well. */
  readonly mostTimes: number
}

const floorBytes = 64 * 1024 * 1024
const chunkBytes = 1024 * 1024

/** Whether a file is packed is told by its name. */
export function isPacked(file: LandingFile): boolean {
  return file.name.endsWith('.gz')
}

/**
 * The text of a file of gzip members from its bytes; refused as soon as it is too much.
 * @throws UnreadableFileError when it is no gzip, cut off, too much, or holds something after it
 */
export function unpacking(file: LandingFile, limits: UnpackLimits) {
  return async function* (packed: AsyncIterable<Buffer>) {
    const gunzip = createGunzip({ chunkSize: chunkBytes })
    // Its failure is also that of reading from `gunzip`.
    pipeline(packed, refusingOtherPacking, gunzip).catch(() => undefined)
    const chunks: AsyncIterable<Buffer> = gunzip
    let bytes = 0
    try {
      for await (const chunk of chunks) {
        bytes += chunk.length
        refuseTooMuch(file, bytes, limits)
        yield chunk
      }
    } catch (error) {
      throw isGzipError(error) ? new UnreadableFileError(notWhole(error.message)) : error
    }
    // Bytes after a zero byte are padding to gunzip, also when another member is among them.
    if (gunzip.bytesWritten < file.bytes) {
      throw new UnreadableFileError(
        `goes on for ${file.bytes - gunzip.bytesWritten} bytes after the end of its gzip data; ` +
          'deliver the complete file again, without padding',
      )
    }
  }
}

function refuseTooMuch(file: LandingFile, bytes: number, limits: UnpackLimits): void {
  const { mostBytes, mostTimes } = limits
  if (bytes > mostBytes) {
    throw new UnreadableFileError(
      `unpacks to more than ${mostBytes / 1024 ** 3} GiB. Deliver it in parts, or raise UNPACKED_MAX_GIB`,
    )
  }
  if (bytes > floorBytes && bytes > file.bytes * mostTimes) {
    throw new UnreadableFileError(
      `unpacks to more than ${mostTimes} times its ${file.bytes} bytes, as a gzip bomb does. If that ` +
        'is right, deliver it unpacked or raise UNPACKED_MAX_RATIO',
    )
  }
}

function isGzipError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}

function notWhole(why: string): string {
  return `is not a whole gzip file: ${why}; deliver the complete file again`
}

const packings: Readonly<Record<string, string>> = {
  gzip: '\x1f\x8b',
  zip: 'PK\x03\x04',
  zstd: '\x28\xb5\x2f\xfd',
  xz: '\xfd7zXZ',
  bzip2: 'BZh91AY&SY',
}

function packingOf(start: Buffer): string | undefined {
  const text = start.toString('latin1', 0, 16)
  return Object.keys(packings).find((name) => text.startsWith(packings[name] ?? '-'))
}

async function* refusingOtherPacking(chunks: AsyncIterable<Buffer>) {
  let isFirst = true
  for await (const chunk of chunks) {
    const packing = isFirst ? packingOf(chunk) : undefined
    if (packing !== undefined && packing !== 'gzip') {
      throw new UnreadableFileError(
        `is ${packing}, whatever its name says; unpack it, or pack it with gzip`,
      )
    }
    isFirst = false
    yield chunk
  }
}

/** @throws UnreadableFileError for a text that is packed */
export function refusePacked(start: Buffer): void {
  const packing = packingOf(start)
  if (packing === undefined) return
  const remedy = packing === 'gzip' ? 'give it a name that ends in .gz' : 'unpack it'
  throw new UnreadableFileError(`is ${packing}, not text; ${remedy}, then run the day again`)
}
