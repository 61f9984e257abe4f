import type { Random } from '../generator/random.ts'
import type { Delivery } from './delivery.ts'

/** What a mutant may draw on: one source's good day, and what it delivered before. */
export interface GoodDay {
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  /** Path of the file in the landing zone, without `.gz`. */
  readonly path: string
  readonly text: string
  readonly delivery: Delivery
  /** The delivery before this one, as text. */
  readonly before: string
}

/** A good day spoilt in one typed way. */
export interface Mutant {
  /** `<source>.<column or scope>.<kind>` */
  readonly id: string
  readonly source: string
  /** The way in which it is spoilt; the same for every column to which it is done. */
  readonly kind: string
  /** What is delivered instead, by path in the landing zone. */
  readonly files: ReadonlyMap<string, string | Uint8Array>
}

/** Of a column-wide corruption: one exporter of five is broken. */
export const spoiltShare = 0.2

/** Which of so many records are spoilt: a fifth of them, and at least one. */
export function chooseSpoilt(count: number, random: Random): Set<number> {
  const chosen = new Set<number>()
  for (let index = 0; index < count; index += 1) {
    if (random.share() < spoiltShare) chosen.add(index)
  }
  if (chosen.size === 0 && count > 0) chosen.add(random.below(count))
  return chosen
}
