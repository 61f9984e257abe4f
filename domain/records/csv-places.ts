import type { Span } from './json-places.ts'

/** Where each field of a comma-separated line stands, quotes included. */
export function placeCsvFields(line: string): Span[] {
  const spans: Span[] = []
  for (let start = 0; ;) {
    const end = endOfField(line, start)
    spans.push({ start, end })
    if (end >= line.length) return spans
    start = end + 1
  }
}

function endOfField(line: string, start: number): number {
  let from = start
  if (line[start] === '"') {
    from = start + 1
    for (let quote = line.indexOf('"', from); quote >= 0; quote = line.indexOf('"', from)) {
      from = quote + 1
      if (line[from] !== '"') break
      from += 1
    }
  }
  const comma = line.indexOf(',', from)
  return comma < 0 ? line.length : comma
}

/** A value as a field of a comma-separated line. */
export function csvField(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
