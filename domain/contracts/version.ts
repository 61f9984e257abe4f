/** What a change of a contract does to those who deliver and those who read. */
export type Effect = 'breaking' | 'widening' | 'harmless'
export type VersionPart = 'major' | 'minor' | 'patch'

const parts: readonly VersionPart[] = ['major', 'minor', 'patch']
const partOf: Readonly<Record<Effect, VersionPart>> = {
  breaking: 'major',
  widening: 'minor',
  harmless: 'patch',
}
const semanticVersion = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/

export function isVersion(text: string): boolean {
  return semanticVersion.test(text)
}

/** The greatest part of a version that these changes move; null without a change. */
export function partToMove(effects: readonly Effect[]): VersionPart | null {
  const needed = effects.map((effect) => partOf[effect])
  return parts.find((part) => needed.includes(part)) ?? null
}

/** Whether the second version is later than the first in this part, or in a greater one. */
export function isMoved(before: string, now: string, part: VersionPart): boolean {
  const places = parts.indexOf(part) + 1
  const [older, newer] = [numbersOf(before), numbersOf(now)]
  const place = older.slice(0, places).findIndex((number, index) => number !== newer[index])
  return place >= 0 && (newer[place] ?? 0) > (older[place] ?? 0)
}

/** The first version in which the part is moved: 1.4.2 becomes 2.0.0, 1.5.0 or 1.4.3. */
export function nextVersion(before: string, part: VersionPart): string {
  const place = parts.indexOf(part)
  return numbersOf(before)
    .map((number, index) => (index < place ? number : index === place ? number + 1 : 0))
    .join('.')
}

function numbersOf(version: string): number[] {
  return version.split('.').map(Number)
}
