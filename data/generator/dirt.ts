import { z } from 'zod'
import { dateOf } from './calendar.ts'
import type { Random } from './random.ts'

/** A way to spoil a record, and exactly the rules that the spoilt record breaks. */
export interface Dirt<Fields> {
  readonly rules: readonly string[]
  readonly spoil: (fields: Fields, random: Random, day: number) => void
}

/** A JSON record as parsed; a field set to undefined is left out. */
export const JsonRecord = z.record(z.string(), z.unknown())
export type JsonRecord = z.infer<typeof JsonRecord>

const impossible = '2025-13-45T10:00:00Z'
const farFuture = '2099-06-15T10:00:00Z'

function set(field: string, value: unknown, ...rules: string[]): Dirt<JsonRecord> {
  return { rules, spoil: (record) => (record[field] = value) }
}

/** Missing comes in two ways: no such field, or null. */
function missing(field: string, rule: string): Dirt<JsonRecord> {
  return {
    rules: [rule],
    spoil: (record, random) => (record[field] = random.share() < 0.5 ? undefined : null),
  }
}

function both<Fields>(first: Dirt<Fields>, second: Dirt<Fields>): Dirt<Fields> {
  return {
    rules: [...first.rules, ...second.rules],
    spoil: (fields, random, day) => {
      first.spoil(fields, random, day)
      second.spoil(fields, random, day)
    },
  }
}

const tooOldOrder: Dirt<JsonRecord> = {
  rules: ['order_ts_not_too_old'],
  spoil: (record, random, day) =>
    (record['timestamp'] = `${dateOf(day - random.between(60, 400))}T10:00:00Z`),
}
const missingUser = missing('user_id', 'user_id_required')
const missingProduct = missing('product_id', 'product_id_required')
const zeroQuantity = set('quantity', 0, 'quantity_min')
const textQuantity = set('quantity', 'two', 'quantity_type')
const textPrice = set('price', 'abc', 'unit_price_type')
const negativePrice = set('price', -5, 'unit_price_min')
const impossibleDate = set('timestamp', impossible, 'order_ts_type')
const futureDate = set('timestamp', farFuture, 'order_ts_not_future')
const unknownStatus = set('status', 'shipped', 'status_accepted')

export const orderDirt: readonly Dirt<JsonRecord>[] = [
  missing('order_id', 'order_id_required'),
  missingUser,
  missingProduct,
  zeroQuantity,
  set('quantity', -3, 'quantity_min'),
  set('quantity', 1.5, 'quantity_type'),
  textQuantity,
  set('quantity', 250_000, 'quantity_max'),
  textPrice,
  negativePrice,
  set('price', 0, 'unit_price_min'),
  missing('price', 'unit_price_required'),
  impossibleDate,
  futureDate,
  tooOldOrder,
  unknownStatus,
  both(missingUser, textPrice),
  both(zeroQuantity, unknownStatus),
  both(impossibleDate, negativePrice),
  both(missingProduct, textQuantity),
  both(futureDate, textPrice),
]

/** Elements of the array that are no records at all. */
export const malformedElements = ['"connection reset by peer"', '404', '"O-??;;;"']

export type EventColumns = string[]
const column = { productId: 2, type: 3, ts: 4 } as const

function put(index: number, value: string, rule: string): Dirt<EventColumns> {
  return { rules: [rule], spoil: (columns) => (columns[index] = value) }
}

const missingEventProduct: Dirt<EventColumns> = {
  rules: ['product_id_required'],
  spoil: (columns) => {
    if (columns[column.type] === 'page_view') columns[column.type] = 'view_product'
    columns[column.productId] = ''
  },
}
const unknownType = put(column.type, 'hover', 'event_type_accepted')
const impossibleEventDate = put(column.ts, impossible, 'event_ts_type')
const futureEvent = put(column.ts, farFuture, 'event_ts_not_future')

const unknownTypeOfProduct: Dirt<EventColumns> = {
  rules: unknownType.rules,
  // Only a page view may come without a product, so an unknown type needs one to break one rule.
  spoil: (columns, random, day) => {
    if (columns[column.productId] === '') columns[column.productId] = 'P0001'
    unknownType.spoil(columns, random, day)
  },
}

export const eventDirt: readonly Dirt<EventColumns>[] = [
  put(column.type, '', 'event_type_required'),
  unknownTypeOfProduct,
  put(column.ts, 'not-a-date', 'event_ts_type'),
  impossibleEventDate,
  futureEvent,
  missingEventProduct,
  { rules: ['too_few_columns'], spoil: (columns, random) => columns.splice(random.between(2, 5)) },
  { rules: ['too_many_columns'], spoil: (columns) => columns.push('unexpected', '42') },
  both(unknownTypeOfProduct, impossibleEventDate),
  both(missingEventProduct, futureEvent),
]

export const productDirt: readonly Dirt<JsonRecord>[] = [
  missing('product_id', 'product_id_required'),
  set('price', 'abc', 'price_type'),
  set('price', -5, 'price_min'),
  missing('name', 'name_required'),
  both(missing('name', 'name_required'), set('price', 'abc', 'price_type')),
]
