import type { Offer, Shelf } from './catalogue.ts'
import { compactDate, padded, timestampOf } from './calendar.ts'
import type { Status } from './manifest.ts'
import type { Slot } from './order-slots.ts'
import { asShare, itemAt, mix, Random, stream } from './random.ts'
import { secondAt } from './rhythm.ts'
import type { Shop } from './shop.ts'

export interface OrderLine {
  readonly offer: Offer
  quantity: number
}

export interface Order {
  readonly id: string
  readonly customer: number
  readonly businessDay: number
  readonly second: number
  status: Status
  readonly lines: OrderLine[]
  readonly isNested: boolean
  readonly channel: string
  readonly discountCode: string | undefined
}

const channels = ['web', 'web', 'web', 'web', 'app', 'app', 'app', 'marketplace', 'phone']
const discountShare = 0.06
const discountCodes = ['WELCOME10', 'SPRING5', 'FRIENDS', 'VIP15']
const newProductShare = 0.03
/** Above 1 the best sellers take more: 1.9 gives the first of 300 about 5 % of the picks. */
const popularityExponent = 1.9

const random = new Random()

/** The order first delivered in a slot; the same whenever and wherever it is asked for. */
export function orderAt(shop: Shop, day: number, place: number, slot: Slot): Order {
  random.seeded(mix(shop.options.seed, stream.order, day, place))
  const businessDay = slot.kind === 'late' ? day - slot.daysLate : day
  const customer = shop.customers.draw(businessDay, random)
  const through = (place + random.share()) / shop.rhythm.orderRowsOn(day)
  const status = slot.kind === 'settling' ? 'pending' : drawStatus(shop, day)
  const lineCount = slot.kind === 'nested' ? random.between(2, 4) : 1
  return {
    id: `O${compactDate(day)}-${padded(place + 1, 7)}`,
    customer,
    businessDay,
    second: secondAt(slot.kind === 'late' ? random.share() : through),
    status,
    lines: drawLines(shop, businessDay, customer, lineCount),
    isNested: slot.kind === 'nested',
    channel: random.pick(channels),
    discountCode: random.share() < discountShare ? random.pick(discountCodes) : undefined,
  }
}

/** How a pending order ended. */
export function settledStatus(shop: Shop, day: number, place: number): Status {
  const share = asShare(mix(shop.options.seed, stream.order, day, -place - 1))
  if (share < 0.8) return 'paid'
  return share < 0.92 ? 'cancelled' : 'refunded'
}

function drawStatus(shop: Shop, day: number): Status {
  const cancelled = shop.rhythm.anomalyOn(day) === 'cancellation_surge' ? 0.24 : 0.04
  const share = random.share()
  if (share < cancelled) return 'cancelled'
  if (share < cancelled + 0.03) return 'refunded'
  return share < cancelled + 0.05 ? 'pending' : 'paid'
}

function drawLines(shop: Shop, day: number, customer: number, count: number): OrderLine[] {
  const shelf = shop.catalogue.shelfOn(day)
  const lines: OrderLine[] = []
  while (lines.length < count) {
    const offer = random.pick(drawProduct(shelf, random))
    const isTaken = lines.some((line) => line.offer.productId === offer.productId)
    if (!isTaken) lines.push({ offer, quantity: drawQuantity(shop, customer) })
  }
  return lines
}

export function drawProduct(shelf: Shelf, from: Random): readonly Offer[] {
  if (shelf.recent.length > 0 && from.share() < newProductShare) return from.pick(shelf.recent)
  const rank = Math.floor(shelf.byRank.length * from.share() ** popularityExponent)
  return itemAt(shelf.byRank, rank)
}

function drawQuantity(shop: Shop, customer: number): number {
  const spread = random.normal()
  if (!shop.customers.isWholesale(customer)) return Math.max(1, Math.round(Math.exp(0.65 * spread)))
  return Math.min(96, Math.max(4, Math.round(12 * Math.exp(0.6 * spread))))
}

/** The order as one line of a JSON array; put together by hand, which is what makes it fast. */
export function orderJson(shop: Shop, order: Order): string {
  const { customers } = shop
  const userId = customers.idOf(order.customer)
  const discount =
    order.discountCode === undefined ? '' : `,"discount_code":"${order.discountCode}"`
  return (
    `{"order_id":"${order.id}","user_id":"${userId}",${linesJson(order)},` +
    `"timestamp":"${timestampOf(order.businessDay, order.second)}","status":"${order.status}",` +
    `"currency":"EUR","channel":"${order.channel}",` +
    `"region":"${customers.regionOf(order.customer)}"${discount},` +
    `${customers.profileJson(order.customer, order.businessDay)}}`
  )
}

function linesJson(order: Order): string {
  if (!order.isNested) return lineJson(itemAt(order.lines, 0))
  return `"items":[${order.lines.map((line) => `{${lineJson(line)}}`).join(',')}]`
}

function lineJson({ offer, quantity }: OrderLine): string {
  // The house vendor is the default, so its orders do not name it.
  const vendor = offer.vendorId === 'SHOPNOW' ? '' : `,"vendor_id":"${offer.vendorId}"`
  return `"product_id":"${offer.productId}","quantity":${quantity},"price":${offer.priceText}${vendor}`
}
