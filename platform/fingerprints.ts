import { createHash } from 'node:crypto'
import type { Database, Transaction } from './database.ts'

/** What a part of a day was made from, by name; values are digests. */
export interface MadeOf {
  /** Models, methods and contracts. */
  readonly code: Readonly<Record<string, string>>
  /** Delivered files, and corrections of their records. */
  readonly inputs: Readonly<Record<string, string>>
  /** Fingerprints of the parts of the same day that it reads. */
  readonly reads: Readonly<Record<string, string>>
}

/** A part of a shop's day: what one task makes of it. */
export interface PartKey {
  readonly shopId: string
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  readonly part: string
}

export interface Recorded {
  readonly fingerprint: string
  readonly made_of: MadeOf
  readonly run_id: string
}

/** The records of a part: the one in force, and the one that waits to be published. */
export interface PartRecords {
  readonly published?: Recorded
  readonly waiting?: Recorded
}

export type DayRecords = ReadonlyMap<string, PartRecords>

/** Free of the order of names: 64 hexadecimal digits. */
export function fingerprintOf({ code, inputs, reads }: MadeOf): string {
  return digestOf(JSON.stringify([sorted(code), sorted(inputs), sorted(reads)]))
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function sorted(values: Readonly<Record<string, string>>) {
  return Object.entries(values).toSorted(([one], [other]) => (one < other ? -1 : 1))
}

type Reader = Pick<Database | Transaction, 'query'>

/** What is recorded of the parts of a day, by part. */
export async function readFingerprints(
  database: Reader,
  shopId: string,
  date: string,
): Promise<DayRecords> {
  const { rows } = await database.query<Recorded & { part: string; is_published: boolean }>(
    `select part, is_published, fingerprint, made_of, run_id from audit.fingerprints
     where shop_id = $1 and load_date = $2`,
    [shopId, date],
  )
  const parts = new Map<string, PartRecords>()
  for (const { part, is_published: isPublished, ...row } of rows) {
    parts.set(part, { ...parts.get(part), [isPublished ? 'published' : 'waiting']: row })
  }
  return parts
}

/** Only what is published is up to date: what waits belongs to a day that is half made. */
export function isUpToDate(records: PartRecords | undefined, madeOf: MadeOf): boolean {
  if (records?.published === undefined || records.waiting !== undefined) return false
  return records.published.fingerprint === fingerprintOf(madeOf)
}

/** Records what a part was made from, in the transaction that makes it. */
export async function noteFingerprint(
  transaction: Transaction,
  { shopId, date, part }: PartKey,
  madeOf: MadeOf,
  { result, runId }: { result: unknown; runId: string },
): Promise<void> {
  await transaction.query(
    `insert into audit.fingerprints
       (shop_id, load_date, part, is_published, fingerprint, made_of, result, run_id)
     values ($1, $2, $3, false, $4, $5, $6, $7)
     on conflict (shop_id, load_date, part, is_published) do update
       set (fingerprint, made_of, result, run_id, made_at) =
         row(excluded.fingerprint, excluded.made_of, excluded.result, excluded.run_id, now())`,
    [
      shopId,
      date,
      part,
      fingerprintOf(madeOf),
      JSON.stringify(madeOf),
      JSON.stringify(result),
      runId,
    ],
  )
}

/** What waited is published now, in the transaction that publishes the day. */
export async function publishFingerprints(
  transaction: Transaction,
  shopId: string,
  date: string,
): Promise<void> {
  await transaction.query(
    `delete from audit.fingerprints as old
     where shop_id = $1 and load_date = $2 and is_published and exists (
       select from audit.fingerprints as new
       where (new.shop_id, new.load_date, new.part) = (old.shop_id, old.load_date, old.part)
         and not new.is_published)`,
    [shopId, date],
  )
  await transaction.query(
    `update audit.fingerprints set is_published = true
     where shop_id = $1 and load_date = $2 and not is_published`,
    [shopId, date],
  )
}

/** Forgets what a day was made from: its next run makes everything anew. */
export async function forgetFingerprints(
  database: Reader,
  shopId: string,
  date: string,
): Promise<void> {
  await database.query('delete from audit.fingerprints where shop_id = $1 and load_date = $2', [
    shopId,
    date,
  ])
}
