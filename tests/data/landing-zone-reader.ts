import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Papa from 'papaparse'
import { z } from 'zod'

/** A second reading of generated files, sharing no code with the generator: the tests' own view. */
export interface ReadRecord {
  line: number
  id: string | null
  rules: string[]
  raw: string
}

const Fields = z.record(z.string(), z.unknown())
type Fields = z.infer<typeof Fields>
const dayMs = 86_400_000

export interface ReadOrder extends ReadRecord {
  order: Fields
}

export async function readOrders(root: string, date: string): Promise<ReadOrder[]> {
  const text = await readFile(join(root, 'orders', date, 'orders.json'), 'utf8')
  const elements = z.array(z.unknown()).parse(JSON.parse(text))
  return elements.map((element, index) => {
    const parsed = Fields.safeParse(element)
    const order = parsed.success ? parsed.data : {}
    const rules = parsed.success ? orderRules(order, date) : ['malformed']
    return {
      line: index + 1,
      id: textOrNull(order['order_id']),
      rules,
      order,
      raw: JSON.stringify(element),
    }
  })
}

function orderRules(order: Fields, date: string): string[] {
  const lines = order['items'] === undefined ? [order] : z.array(Fields).parse(order['items'])
  const rules = [
    ...required(order, 'order_id'),
    ...required(order, 'user_id'),
    ...timestampRules('order_ts', order['timestamp'], date),
  ]
  if (order['timestamp'] !== undefined && isOlder(order['timestamp'], date, 35)) {
    rules.push('order_ts_not_too_old')
  }
  const status = String(order['status'])
  if (!['paid', 'cancelled', 'refunded', 'pending'].includes(status)) rules.push('status_accepted')
  for (const line of lines) {
    rules.push(...required(line, 'product_id'), ...quantityRules(line['quantity']))
    rules.push(...priceRules('unit_price', line['price']))
  }
  return rules
}

function required(fields: Fields, name: string): string[] {
  return fields[name] === undefined || fields[name] === null ? [`${name}_required`] : []
}

function quantityRules(value: unknown): string[] {
  if (typeof value !== 'number' || !Number.isInteger(value)) return ['quantity_type']
  if (value > 100_000) return ['quantity_max']
  return value < 1 ? ['quantity_min'] : []
}

function priceRules(column: string, value: unknown): string[] {
  if (value === undefined || value === null) return [`${column}_required`]
  if (typeof value !== 'number') return [`${column}_type`]
  return value <= 0 ? [`${column}_min`] : []
}

function timestampRules(column: string, value: unknown, date: string): string[] {
  const at = Date.parse(String(value))
  if (Number.isNaN(at)) return [`${column}_type`]
  return at >= Date.parse(date) + dayMs ? [`${column}_not_future`] : []
}

function isOlder(value: unknown, date: string, days: number): boolean {
  return Date.parse(String(value)) < Date.parse(date) - days * dayMs
}

export interface ReadEvent extends ReadRecord {
  columns: string[]
}

export async function readEvents(root: string, date: string): Promise<ReadEvent[]> {
  const text = await readFile(join(root, 'events', date, 'events.csv'), 'utf8')
  const rows = Papa.parse<string[]>(text.trimEnd()).data.slice(1)
  const physical = text.split('\n')
  return rows.map((columns, index) => ({
    line: index + 2,
    id: columns[0] || null,
    rules: eventRules(columns, date),
    columns,
    raw: physical[index + 1] ?? '',
  }))
}

function eventRules(columns: string[], date: string): string[] {
  if (columns.length < 8) return ['too_few_columns']
  if (columns.length > 8) return ['too_many_columns']
  const [, , productId, type = '', ts] = columns
  const rules = timestampRules('event_ts', ts, date)
  if (type === '') rules.push('event_type_required')
  else if (!['page_view', 'view_product', 'add_to_cart', 'checkout', 'purchase'].includes(type)) {
    rules.push('event_type_accepted')
  }
  if (productId === '' && type !== '' && type !== 'page_view') rules.push('product_id_required')
  return rules
}

export async function readProducts(root: string, date: string): Promise<ReadOrder[]> {
  const text = await readFile(join(root, 'products', `products_${date}.json`), 'utf8')
  return z
    .array(Fields)
    .parse(JSON.parse(text))
    .map((product, index) => ({
      line: index + 1,
      id: textOrNull(product['product_id']),
      rules: [
        ...required(product, 'product_id'),
        ...required(product, 'name'),
        ...priceRules('price', product['price']),
      ],
      order: product,
      raw: JSON.stringify(product),
    }))
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

export interface PlainLine {
  productId: string
  vendorId: string
  quantity: number
  /** As written in the file, so that no float stands between the file and the sum. */
  price: string
}

/** The lines of one accepted order, prices taken as text from the raw record. */
export function orderLines(order: Fields): PlainLine[] {
  const lines = order['items'] === undefined ? [order] : z.array(Fields).parse(order['items'])
  return lines.map((line) => ({
    productId: String(line['product_id']),
    vendorId: typeof line['vendor_id'] === 'string' ? line['vendor_id'] : 'SHOPNOW',
    quantity: Number(line['quantity']),
    price: String(line['price']),
  }))
}

export function exactThousandths(price: string): bigint {
  const [whole = '0', fraction = ''] = price.split('.')
  return BigInt(whole + fraction.padEnd(3, '0'))
}

/** The business date: days are cut in UTC. */
export function dayOf(order: Record<string, unknown>): string {
  return String(order['timestamp']).slice(0, 10)
}

export async function findOrder(
  root: string,
  date: string,
  id: string,
): Promise<Record<string, unknown>> {
  const row = (await readOrders(root, date)).findLast((candidate) => candidate.id === id)
  if (row === undefined) throw new Error(`No order ${id} on ${date}`)
  return row.order
}
