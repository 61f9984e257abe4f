import type { Span } from '../domain/records/json-places.ts'
import { visible } from '../domain/records/visible-text.ts'

/**
 * A text as one line with carets under a place in it; what is longer than `width` columns is cut
 * around the place.
 */
export function markPlace(text: string, span: Span, width: number): [string, string] {
  const room = width - 2
  const from = text.length <= room ? 0 : Math.max(0, span.start - Math.floor(room / 3))
  const before = cutEnd(visible(text.slice(from, span.start)), Math.floor(room / 2))
  const place = visible(text.slice(span.start, span.end)).slice(0, room - before.length)
  const rest = visible(text.slice(span.end, span.end + width))
  const after = rest.slice(0, Math.max(0, room - before.length - place.length))
  const head = from > 0 || before.length < visible(text.slice(from, span.start)).length ? '…' : ''
  const isCut = span.end + after.length < text.length
  return [
    `${head}${before}${place}${after}${isCut ? '…' : ''}`,
    `${' '.repeat(head.length + before.length)}${'^'.repeat(Math.max(1, place.length))}`,
  ]
}

function cutEnd(text: string, columns: number): string {
  return text.length <= columns ? text : text.slice(-columns)
}
