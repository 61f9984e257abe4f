import { contractsOfShop } from '../domain/contracts/all-contracts.ts'
import type { Database } from '../platform/database.ts'
import {
  fingerprintOf,
  readFingerprints,
  type DayRecords,
  type MadeOf,
} from '../platform/fingerprints.ts'
import { digestFile } from '../platform/landing/load-file.ts'
import type { Source, Sources } from '../platform/sources.ts'
import { partsOf, transformPart, wouldBeMadeOf, type DayPart } from './day-parts.ts'
import { filesOfDay } from './delivered-files.ts'
import { sourceNamed } from './source-named.ts'

/** Something that the next run of a day would make anew, and why. */
export interface StalePart {
  /** `extract <source>`, the name of a part of the day, or `publish`. */
  readonly part: string
  /** Tables that hold it. */
  readonly tables: readonly string[]
  readonly reasons: readonly string[]
}

/**
 * What a run of the day would make anew, in its order; nothing when all of it is up to date. Reads what
 * is recorded and the files of the landing zone, and writes nothing; an API of a source is not asked.
 */
export async function planDay(
  database: Database,
  sources: Sources,
  shop: { readonly shopId: string; readonly sources: readonly string[] },
  date: string,
): Promise<StalePart[]> {
  const contracts = contractsOfShop(shop.shopId)
  const records = await readFingerprints(database, shop.shopId, date)
  const stale = new Map<string, StalePart>()
  for (const name of shop.sources) {
    const reasons = await changedFiles(database, sourceNamed(sources, name), date)
    if (reasons.length > 0)
      stale.set(extractPart(name), { part: extractPart(name), tables: [], reasons })
  }
  for (const listed of partsOf(contracts)) {
    const part = asConfigured(listed, sources)
    const reasons = await reasonsToMake(database, part, date, { records, stale })
    if (reasons.length > 0) stale.set(part.name, { part: part.name, tables: part.tables, reasons })
  }
  if (stale.size === 0) return []
  return [...stale.values(), { part: 'publish', tables: [], reasons: ['makes it visible'] }]
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

/** Files of the landing zone that the day has not read, or not as they are now. */
async function changedFiles(database: Database, source: Source, date: string): Promise<string[]> {
  const { rows } = await database.query<{ path: string; bytes: number; sha256: string }>(
    `select path, bytes, sha256 from audit.source_files
     where source = $1 and load_date = $2 and state <> 'superseded'`,
    [source.contract.source, date],
  )
  const known = new Map(rows.map((row) => [row.path, row]))
  const reasons: string[] = []
  for (const file of await filesOfDay(database, source, date)) {
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
}

async function reasonsToMake(
  database: Database,
  part: DayPart,
  date: string,
  { records, stale }: Known,
): Promise<string[]> {
  const madeOf = await wouldBeMadeOf(database, part, date, records)
  const { published, waiting } = records.get(part.name) ?? {}
  const extracted = part.source === undefined ? undefined : stale.get(extractPart(part.source))
  // A source that need not deliver daily, on a day without a delivery.
  const hasNone = part.source !== undefined && Object.keys(madeOf.inputs).length === 0
  if (hasNone && extracted === undefined && waiting === undefined) return []
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
