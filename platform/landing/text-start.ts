import { refusePacked } from './unpack.ts'
import { UnreadableFileError } from './unreadable-file.ts'

const longestMark = 4

/**
 * A text without its byte order mark.
 * @throws UnreadableFileError when its first bytes say that it is no UTF-8 text
 */
export async function* withoutMark(chunks: AsyncIterable<Buffer>) {
  let start: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (start === undefined) {
      yield chunk
      continue
    }
    start = Buffer.concat([start, chunk])
    if (start.length < longestMark) continue
    yield afterMark(start)
    start = undefined
  }
  if (start !== undefined) yield afterMark(start)
}

function afterMark(start: Buffer): Buffer {
  if (isWide(start)) throw new UnreadableFileError('is UTF-16 text; save it as UTF-8')
  refusePacked(start)
  const hasMark = start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf
  return hasMark ? start.subarray(3) : start
}

/** UTF-16 or UTF-32: with its mark, or told by the zero bytes beside two characters of ASCII. */
function isWide([first, second, third, fourth]: Buffer): boolean {
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true
  const isLittle = first !== 0 && second === 0 && fourth === 0
  const isBig = first === 0 && third === 0 && fourth !== 0
  return isLittle || isBig
}
