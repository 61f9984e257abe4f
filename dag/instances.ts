import { stableHash } from './stable-hash.ts'

/**
 * How the instances of a mapped task have ended, as short as a list of 100,000 items needs it. Their
 * reasons, names and tries are rows of audit.task_runs.
 */
export interface InstanceEnds {
  /** Items of the list. */
  readonly total: number
  /** Indexes, as `0-2,7`; all others have succeeded. */
  readonly failed: string
  readonly skipped: string
  /** Why the first ones failed: `[3] BadItem: …`. */
  readonly failures: readonly string[]
  /** What the items were, so that one that has changed is known: a hash of so many `each`. */
  readonly items: { readonly each: number; readonly hashes: readonly number[] }
}

/** What a clear of single instances lets stay as it is. */
export interface KeptInstances extends InstanceEnds {
  /** The indexes that run again. */
  readonly again: string
}

const mostHashes = 500

/** `0-2,7` of 7, 0, 1, 2. */
export function indexesInWords(indexes: Iterable<number>): string {
  const ranges: [first: number, last: number][] = []
  for (const index of [...new Set(indexes)].toSorted((one, other) => one - other)) {
    const range = ranges.at(-1)
    if (range !== undefined && range[1] === index - 1) range[1] = index
    else ranges.push([index, index])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}

/** 0, 1, 2, 7 of `0-2,7`. */
export function readIndexes(words: string): number[] {
  if (words === '') return []
  return words.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset)
  })
}

/**
 * `parse` of `parse`, and also the indexes of `parse[3]`, `parse[3,7]`, `parse[0-4]`; of `parse[]` none:
 * only what is new or has changed.
 */
export function readChoice(words: string): { taskId: string; indexes?: string } {
  const { taskId, indexes } = /^(?<taskId>[^[]+)\[(?<indexes>[\d,-]*)\]$/.exec(words)?.groups ?? {}
  if (taskId === undefined || indexes === undefined) return { taskId: words }
  const ranges = indexes === '' ? [] : indexes.split(',')
  const isWellMade = (range: string) =>
    /^\d{1,6}(-\d{1,6})?$/.test(range) && readIndexes(range).length > 0
  if (!ranges.every(isWellMade)) return { taskId: words }
  return { taskId, indexes: indexesInWords(readIndexes(indexes)) }
}

export function hashItems(items: readonly unknown[]): InstanceEnds['items'] {
  const each = Math.max(1, Math.ceil(items.length / mostHashes))
  const hashes = Array.from({ length: Math.ceil(items.length / each) }, (_, no) =>
    stableHash(canonical(items.slice(no * each, (no + 1) * each))),
  )
  return { each, hashes }
}

/** PostgreSQL gives objects back with their keys in another order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return String(JSON.stringify(value))
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`
}

/**
 * The instances that run, in their order: all; after a clear of single ones those, and what has no end
 * that could be kept, because the list has become longer or its item has changed.
 */
export function indexesToRun(items: readonly unknown[], kept: KeptInstances | undefined): number[] {
  const all = items.map((_, index) => index)
  if (kept === undefined) return all
  const { total, again } = kept
  const { each, hashes } = kept.items
  const chosen = new Set(readIndexes(again))
  const same = hashes.map((hash, no) => {
    const [first, last] = [no * each, Math.min((no + 1) * each, total)]
    return last <= items.length && stableHash(canonical(items.slice(first, last))) === hash
  })
  return all.filter(
    (index) => chosen.has(index) || same[Math.floor(index / each)] !== true || index >= total,
  )
}

/** The index of the instance that these words are about: `[3] BadItem: …`. */
export function indexOfFailure(words: string): number {
  return Number(words.slice(1, words.indexOf(']')))
}
