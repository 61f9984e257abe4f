import { gzipSync } from 'node:zlib'
import { fieldOf, type Column } from '../../domain/contracts/contract.ts'
import type { Random } from '../generator/random.ts'
import { copyRecords, writeDelivery, type DeliveredRecord, type Delivery } from './delivery.ts'
import type { GoodDay } from './mutant.ts'

type Files = Record<string, string | Uint8Array>

/** A way to spoil a file as a whole; undefined where it cannot be done to this source. */
export interface FileSpoiler {
  readonly kind: string
  readonly spoil: (day: GoodDay, random: Random) => Files | undefined
}

const whole =
  (spoil: (text: string) => string | Uint8Array) =>
  ({ path, text }: GoodDay): Files => ({ [path]: spoil(text) })

const records =
  (spoil: (records: DeliveredRecord[], random: Random, day: GoodDay) => DeliveredRecord[]) =>
  (day: GoodDay, random: Random): Files => {
    const changed = spoil(copyRecords(day.delivery.records), random, day)
    return { [day.path]: writeDelivery({ ...day.delivery, records: changed }) }
  }

const delivery =
  (spoil: (delivery: Delivery) => Delivery | undefined) =>
  (day: GoodDay): Files | undefined => {
    const changed = spoil(day.delivery)
    return changed && { [day.path]: writeDelivery(changed) }
  }

export const fileSpoilers: readonly FileSpoiler[] = [
  { kind: 'missing_file', spoil: () => ({}) },
  { kind: 'empty_file', spoil: whole(() => '') },
  { kind: 'no_records', spoil: records(() => []) },
  { kind: 'one_record', spoil: records((all) => all.slice(0, 1)) },
  { kind: 'half_the_records', spoil: records((all) => all.filter((_, index) => index % 2 === 0)) },
  { kind: 'morning_only', spoil: records((all) => all.slice(0, Math.ceil(all.length / 2))) },
  { kind: 'truncated', spoil: whole((text) => text.slice(0, Math.floor(text.length * 0.6) - 3)) },
  {
    kind: 'truncated_gzip',
    spoil: ({ path, text }) => ({ [`${path}.gz`]: gzipSync(text).subarray(0, -20) }),
  },
  { kind: 'file_twice', spoil: fileTwice },
  { kind: 'records_twice', spoil: records((all) => [...all, ...all]) },
  {
    kind: 'tenth_twice',
    spoil: records((all) => [...all, ...all.filter((_, at) => at % 10 === 0)]),
  },
  { kind: 'doubled_under_new_ids', spoil: underNewIds },
  { kind: 'earlier_file', spoil: ({ path, before }) => ({ [path]: before }) },
  { kind: 'utf_16', spoil: whole((text) => Buffer.from(`\ufeff${text}`, 'utf16le')) },
  { kind: 'not_utf_8', spoil: records(withAccent) },
  { kind: 'html_page', spoil: whole(() => '<html><body>503 Service Unavailable</body></html>') },
  { kind: 'semicolons', spoil: semicolons },
  { kind: 'header_repeated', spoil: headerRepeated },
  { kind: 'shuffled_columns', spoil: delivery(shuffled) },
  { kind: 'new_column', spoil: delivery(withNewColumn) },
  { kind: 'numbers_as_text', spoil: records(numbersAsText) },
]

function fileTwice({ path, text }: GoodDay): Files {
  return { [path]: text, [path.replace(/(\.[a-z]+)$/, '-copy$1')]: text }
}

/** What a join gone wrong looks like: every record once more, each under an id of its own. */
function underNewIds(day: GoodDay, random: Random): Files | undefined {
  const key = day.delivery.contract.recordKey.at(-1)
  const column = day.delivery.contract.columns.find(({ name, isKey }) => name === key && isKey)
  if (!column) return undefined
  const field = fieldOf(column)
  return records((all) => [
    ...all,
    ...copyRecords(all).map((record, index) => ({
      ...record,
      [field]: `${String(record[field])}${index % 10}`,
    })),
  ])(day, random)
}

function withAccent(all: DeliveredRecord[], _: Random, day: GoodDay): DeliveredRecord[] {
  const column = day.delivery.contract.columns.find(({ isKey, type }) => type === 'text' && !isKey)
  if (!column) return all
  return all.map((record, index) =>
    index % 5 === 0 ? { ...record, [fieldOf(column)]: 'Caf\u0000\u00e9' } : record,
  )
}

function semicolons({ path, text, delivery: { contract } }: GoodDay): Files | undefined {
  return contract.format === 'csv' ? { [path]: text.replaceAll(',', ';') } : undefined
}

/** Two exports put one after the other. */
function headerRepeated({ path, text, delivery: { contract } }: GoodDay): Files | undefined {
  if (contract.format !== 'csv') return { [path]: text.trimEnd() + text }
  const [header = '', ...lines] = text.split('\n')
  return { [path]: [header, ...lines.slice(0, 5), header, ...lines.slice(5)].join('\n') }
}

function shuffled(good: Delivery): Delivery {
  const fields = good.fields.toReversed()
  const inOrder = (record: DeliveredRecord) =>
    Object.fromEntries(
      fields.filter((field) => field in record).map((field) => [field, record[field]]),
    )
  return { ...good, fields, records: good.records.map(inOrder) }
}

function withNewColumn(good: Delivery): Delivery {
  const added = copyRecords(good.records).map((record) => ({ ...record, loyalty_tier: 'gold' }))
  return { ...good, fields: [...good.fields, 'loyalty_tier'], records: added }
}

function numbersAsText(all: DeliveredRecord[]): DeliveredRecord[] {
  return all.map((record) =>
    Object.fromEntries(
      Object.entries(record).map(([field, value]) => [
        field,
        typeof value === 'number' ? String(value) : value,
      ]),
    ),
  )
}

/** The column is gone from every record. */
export function dropColumn(good: Delivery, column: Column): Delivery {
  return renameColumn(good, column, undefined)
}

/** The column comes under another name, or under none. */
export function renameColumn(good: Delivery, column: Column, name: string | undefined): Delivery {
  const field = fieldOf(column)
  const lines = good.contract.linesField
  const rename = (record: DeliveredRecord): DeliveredRecord => {
    const entries = Object.entries(record).flatMap(([key, value]): [string, unknown][] => {
      if (key === lines && Array.isArray(value)) return [[key, value.map(renameIn)]]
      if (key !== field) return [[key, value]]
      return name === undefined ? [] : [[name, value]]
    })
    return Object.fromEntries(entries)
  }
  const renameIn = (line: unknown): unknown =>
    typeof line === 'object' && line !== null ? rename({ ...line }) : line
  const fields = good.fields.flatMap((each) => (each !== field ? each : (name ?? [])))
  return { ...good, fields, records: good.records.map(rename) }
}
