import { contractsOfShop } from '../domain/contracts/all-contracts.ts'
import type { Database } from '../platform/database.ts'
import {
  fingerprintOf,
  readFingerprints,
  type DayRecords,
  type MadeOf,
} from '../platform/fingerprints.ts'
import type { LandingFile } from '../platform/landing/find-files.ts'
import { digestFile } from '../platform/landing/load-file.ts'
import type { Source, Sources } from '../platform/sources.ts'
import { partsOf, transformPart, wouldBeMadeOf, type DayPart } from './day-parts.ts'
import { filesOfDay, isDue } from './delivered-files.ts'
import { sourceNamed } from './source-named.ts'

/** Something that the next run of a day would make anew, and why. */
export interface StalePart {
  /** `extract <source>`, the name of a part of the day, or `publish`. */
  readonly part: string
  /** Tables that hold it. */
  readonly tables: readonly string[]
  readonly reasons: readonly string[]
}

export interface PlannedDay {
  /** In the order in which they are made; none when all of the day is up to date. */
  readonly parts: readonly StalePart[]
  /** Names of the files that its run brings: those of later days do not. */
  readonly brings: readonly string[]
}

/**
 * What a run of the day would make anew when earlier days have brought these files before it. Reads what
 * is recorded and the files of the landing zone, and writes nothing; an API of a source is not asked.
 */
export async function planDay(
  database: Database,
  sources: Sources,
  shop: { readonly shopId: string; readonly sources: readonly string[] },
  date: string,
  broughtBefore: ReadonlySet<string>,
): Promise<PlannedDay> {
  const contracts = contractsOfShop(shop.shopId)
  const records = await readFingerprints(database, shop.shopId, date)
  const stale = new Map<string, StalePart>()
  const brings: string[] = []
  const due = new Set<string>()
  for (const name of shop.sources) {
    const source = sourceNamed(sources, name)
    const delivered = await filesOfDay(database, source, date)
    const files = delivered.filter((file) => !broughtBefore.has(file.name))
    if (isDue(source, date, files)) due.add(name)
    brings.push(...files.map((file) => file.name))
    const reasons = await changedFiles(database, source, date, files)
    if (reasons.length > 0)
      stale.set(extractPart(name), { part: extractPart(name), tables: [], reasons })
  }
  for (const listed of partsOf(contracts)) {
    const part = asConfigured(listed, sources)
    const reasons = await reasonsToMake(database, part, date, {
      records,
      stale,
      due,
      broughtBefore,
    })
    if (reasons.length > 0) stale.set(part.name, { part: part.name, tables: part.tables, reasons })
  }
  if (stale.size === 0) return { parts: [], brings: [] }
  const publish = { part: 'publish', tables: [], reasons: ['makes it visible'] }
  return { parts: [...stale.values(), publish], brings }
}

export function extractPart(source: string): string {
  return `extract ${source}`
}

/** A source is typed by its contract with the settings of this installation. */
function asConfigured(part: DayPart, sources: Sources): DayPart {
  return part.source === undefined
    ? part
    : transformPart(sourceNamed(sources, part.source).contract)
}

/** Of these files of the landing zone those that the day has not read, or not as they are now. */
async function changedFiles(
  database: Database,
  source: Source,
  date: string,
  files: readonly LandingFile[],
): Promise<string[]> {
  const { rows } = await database.query<{ path: string; bytes: number; sha256: string }>(
    `select path, bytes, sha256 from audit.source_files
     where source = $1 and load_date = $2 and state <> 'superseded'`,
    [source.contract.source, date],
  )
  const known = new Map(rows.map((row) => [row.path, row]))
  const reasons: string[] = []
  for (const file of files) {
    const read = known.get(file.name)
    if (read === undefined) reasons.push(`${file.name} is new`)
    else if (read.bytes !== file.bytes || read.sha256 !== (await digestFile(file))) {
      reasons.push(`${file.name} changed`)
    }
  }
  return reasons
}

interface Known {
  readonly records: DayRecords
  readonly stale: ReadonlyMap<string, StalePart>
  /** Sources that the day extracts. */
  readonly due: ReadonlySet<string>
  readonly broughtBefore: ReadonlySet<string>
}

async function reasonsToMake(
  database: Database,
  part: DayPart,
  date: string,
  { records, stale, due, broughtBefore }: Known,
): Promise<string[]> {
  // The run skips a source that need not deliver daily, on a day without a delivery.
  if (part.source !== undefined && !due.has(part.source)) return []
  const madeOf = without(await wouldBeMadeOf(database, part, date, records), broughtBefore)
  const { published, waiting } = records.get(part.name) ?? {}
  const extracted = part.source === undefined ? undefined : stale.get(extractPart(part.source))
  const reasons = [...(extracted?.reasons ?? [])]
  if (waiting !== undefined) reasons.push('made, but not published')
  else if (published === undefined) reasons.push('never published')
  else if (published.fingerprint !== fingerprintOf(madeOf)) {
    reasons.push(...differences(published.made_of, madeOf))
  }
  const read = part.reads.filter((name) => stale.has(name))
  if (read.length > 0) reasons.push(`reads ${read.join(', ')}`)
  return [...new Set(reasons)]
}

/** What a part is made of when earlier days take these files, and the fixes of their records, over. */
function without(madeOf: MadeOf, files: ReadonlySet<string>): MadeOf {
  const isTaken = (input: string) =>
    [...files].some((file) => input === file || input.endsWith(` of ${file}`))
  const kept = Object.entries(madeOf.inputs).filter(([input]) => !isTaken(input))
  return { ...madeOf, inputs: Object.fromEntries(kept) }
}

function differences(before: MadeOf, now: MadeOf): string[] {
  return [
    ...differing(before.code, now.code),
    ...differing(before.inputs, now.inputs),
    ...differing(before.reads, now.reads),
  ]
}

function differing(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted()
  return names.flatMap((name) => {
    if (before[name] === now[name]) return []
    if (before[name] === undefined) return [`${name} is new`]
    return [now[name] === undefined ? `${name} is gone` : `${name} changed`]
  })
}
