import { z } from 'zod'
import { eventTypes, orderStatuses } from '../../domain/contracts/sample-shop.ts'
import { ShopOptions } from './options.ts'

const Count = z.int().min(0)
const Decimal = z.string().regex(/^-?\d+\.\d{3}$/)
const Source = z.enum(['orders', 'events', 'products'])
export type Source = z.infer<typeof Source>

export type Status = (typeof orderStatuses)[number]
export type EventType = (typeof eventTypes)[number]

/**
 * Where a record stands. `line` is the ordinal of the element in a JSON array (from 1) and the
 * physical line, header counted, in a CSV file; `file` is relative to the landing zone.
 */
const place = { source: Source, deliveryDate: z.iso.date(), file: z.string(), line: Count }

const FileEntry = z.object({
  source: Source,
  deliveryDate: z.iso.date(),
  file: z.string(),
  bytes: Count,
  sha256: z.string(),
  /** Records in the file: rows = loaded + quarantined + duplicates. A nested order is one record. */
  rows: Count,
  loaded: Count,
  quarantined: Count,
  duplicates: Count,
  /** Rows that the loaded records become once nested orders are cut into lines. */
  loadedLines: Count,
})
export type FileEntry = z.infer<typeof FileEntry>

const Defect = z.object({ ...place, recordId: z.string().nullable(), rules: z.array(z.string()) })
export type Defect = z.infer<typeof Defect>

/** The record at `line` repeats the id of the one at `ofLine`; the later of the two counts. */
const Duplicate = z.object({
  ...place,
  ofLine: Count,
  recordId: z.string().nullable(),
  kind: z.enum(['exact', 'same_id']),
})
export type Duplicate = z.infer<typeof Duplicate>

const LateRecord = z.object({
  ...place,
  recordId: z.string().nullable(),
  businessDate: z.iso.date(),
})
export type LateRecord = z.infer<typeof LateRecord>

/** An order delivered again with its new status. Its first delivery may lie outside the range. */
const StatusUpdate = z.object({
  ...place,
  orderId: z.string(),
  firstDelivered: z.iso.date(),
  businessDate: z.iso.date(),
  from: z.literal('pending'),
  to: z.enum(orderStatuses),
  units: Count,
  gross: Decimal,
})
export type StatusUpdate = z.infer<typeof StatusUpdate>

const QuantitySpike = z.object({
  kind: z.literal('quantity_spike'),
  ...place,
  orderId: z.string(),
  productId: z.string(),
  vendorId: z.string(),
  quantity: Count,
})
const DayAnomaly = z.object({
  kind: z.enum(['orders_drop', 'conversion_collapse', 'cancellation_surge']),
  deliveryDate: z.iso.date(),
  metric: z.enum(['orders', 'conversion', 'cancelled_orders']),
  /** What the planted change multiplies the expected value by, about. */
  factor: z.number(),
})
export type DayAnomaly = z.infer<typeof DayAnomaly>
const Anomaly = z.discriminatedUnion('kind', [QuantitySpike, DayAnomaly])
export type Anomaly = z.infer<typeof Anomaly>

const Tally = z.object({ orders: Count, lines: Count, units: Count, gross: Decimal })
export type Tally = z.infer<typeof Tally>

export const BusinessTotals = z.object({
  businessDate: z.iso.date(),
  orders: z.record(z.enum(orderStatuses), Tally),
  events: z.record(z.enum(eventTypes), Count),
  sessions: Count,
})
export type BusinessTotals = z.infer<typeof BusinessTotals>

/** What updates took away from an earlier delivery: subtract it if that delivery is there. */
const Restated = z.object({
  firstDelivered: z.iso.date(),
  businessDate: z.iso.date(),
  status: z.literal('pending'),
  tally: Tally,
})

const records = {
  defects: z.array(Defect),
  duplicates: z.array(Duplicate),
  late: z.array(LateRecord),
  statusUpdates: z.array(StatusUpdate),
  anomalies: z.array(Anomaly),
}
const dayFigures = {
  date: z.iso.date(),
  /** False for a Monday before the range, of which only the catalogue is written. */
  complete: z.boolean(),
  files: z.array(FileEntry),
  /** This delivery alone: accepted records, duplicates taken out, by business date. */
  delivered: z.array(BusinessTotals),
  restated: z.array(Restated),
}

/** `manifest/<date>.json`: everything about one delivery day. */
export const DayManifest = z.object({
  version: z.literal(1),
  options: ShopOptions,
  ...dayFigures,
  ...records,
})
export type DayManifest = z.infer<typeof DayManifest>

const DaySummary = z.object({
  ...dayFigures,
  planted: z.object({
    defects: Count,
    duplicates: Count,
    late: Count,
    statusUpdates: Count,
    anomalies: Count,
  }),
})
export type DaySummary = z.infer<typeof DaySummary>

/** `manifest.json`: all days in the folder, with the totals that the books must show in the end. */
export const ManifestSummary = z.object({
  version: z.literal(1),
  options: ShopOptions,
  days: z.array(DaySummary),
  final: z.array(BusinessTotals),
})
export type ManifestSummary = z.infer<typeof ManifestSummary>

/** The whole oracle: the summary of a folder and every planted record of all its days. */
export const Manifest = z.object({ ...ManifestSummary.shape, ...records })
export type Manifest = z.infer<typeof Manifest>
