import { dateOf } from './calendar.ts'
import { FileNotes } from './day-notes.ts'
import { JsonRecord, malformedElements, orderDirt } from './dirt.ts'
import type { FileSink } from './file-sink.ts'
import { orderAt, orderJson, settledStatus } from './orders.ts'
import type { Order } from './orders.ts'
import type { Status } from './manifest.ts'
import { decimalText } from './money.ts'
import { itemAt, mix, Random, stream } from './random.ts'
import type { Shop } from './shop.ts'

const spikeQuantities = { lowest: 180, highest: 480 }
const bestSellers = 25

export function ordersPath(day: number): string {
  return `orders/${dateOf(day)}/orders.json`
}

/** Writes a day's orders: a JSON array with one record a line. */
export async function writeOrders(shop: Shop, day: number, sink: FileSink): Promise<FileNotes> {
  const writer = new OrdersWriter(shop, day)
  const rows = shop.rhythm.orderRowsOn(day)
  for (let place = 0; place < rows; place++) {
    sink.add(place === 0 ? '[\n' : ',\n')
    sink.add(writer.recordAt(place))
    if (sink.isFull) await sink.drain()
  }
  sink.add('\n]\n')
  writer.notes.rows = rows
  return writer.notes
}

class OrdersWriter {
  readonly notes: FileNotes
  private readonly shop: Shop
  private readonly day: number
  private readonly spikes: Set<number>
  private readonly random = new Random()

  constructor(shop: Shop, day: number) {
    this.shop = shop
    this.day = day
    this.notes = new FileNotes('orders', day, ordersPath(day))
    this.spikes = shop.slots.spikesOn(day)
  }

  recordAt(place: number): string {
    const slot = this.shop.slots.slotAt(this.day, place)
    switch (slot.kind) {
      case 'dirty':
        return this.dirtyRecord(place)
      case 'copy':
        return this.copyRecord(place, slot.of, slot.isExact)
      case 'update':
        return this.updateRecord(place, slot.firstDay)
      case 'late':
      case 'plain':
      case 'nested':
      case 'settling': {
        const order = orderAt(this.shop, this.day, place, slot)
        if (this.spikes.has(place)) this.spike(order, place)
        if (slot.kind === 'late') this.noteLate(order, place)
        return this.accept(order)
      }
    }
  }

  private accept(order: Order): string {
    this.book(order, order.status, 1)
    this.notes.loadedLines += order.lines.length
    return orderJson(this.shop, order)
  }

  private book(order: Order, status: Status, sign: 1 | -1): void {
    this.notes.ledger.book(dateOf(order.businessDay), status, sumsOf(order), sign)
  }

  private noteLate(order: Order, place: number): void {
    const businessDate = dateOf(order.businessDay)
    this.notes.late.push({ ...this.notes.at(place + 1), recordId: order.id, businessDate })
  }

  private dirtyRecord(place: number): string {
    const { options } = this.shop
    this.random.seeded(mix(options.seed, stream.orderDirt, this.day, place))
    const choice = this.random.below(orderDirt.length + 1)
    const at = this.notes.at(place + 1)
    const dirt = orderDirt[choice]
    if (dirt === undefined) {
      this.notes.defects.push({ ...at, recordId: null, rules: ['malformed'] })
      return this.random.pick(malformedElements)
    }
    const order = orderAt(this.shop, this.day, place, { kind: 'dirty' })
    const record = JsonRecord.parse(JSON.parse(orderJson(this.shop, order)))
    dirt.spoil(record, this.random, this.day)
    const recordId = record['order_id'] === order.id ? order.id : null
    this.notes.defects.push({ ...at, recordId, rules: [...dirt.rules] })
    return JSON.stringify(record)
  }

  private copyRecord(place: number, of: number, isExact: boolean): string {
    const order = orderAt(this.shop, this.day, of, { kind: 'plain' })
    if (!isExact) {
      this.book(order, order.status, -1)
      order.status = order.status === 'paid' ? 'refunded' : 'paid'
      this.book(order, order.status, 1)
    }
    this.notes.duplicates.push({
      ...this.notes.at(place + 1),
      ofLine: of + 1,
      recordId: order.id,
      kind: isExact ? 'exact' : 'same_id',
    })
    return orderJson(this.shop, order)
  }

  private updateRecord(place: number, firstDay: number): string {
    const order = orderAt(this.shop, firstDay, place, { kind: 'settling', afterDays: 0 })
    order.status = settledStatus(this.shop, firstDay, place)
    const firstDelivered = dateOf(firstDay)
    const businessDate = dateOf(order.businessDay)
    const sums = sumsOf(order)
    this.notes.restatedFrom(firstDelivered).book(businessDate, 'pending', sums, 1)
    this.notes.statusUpdates.push({
      ...this.notes.at(place + 1),
      orderId: order.id,
      firstDelivered,
      businessDate,
      from: 'pending',
      to: order.status,
      units: sums.units,
      gross: decimalText(sums.gross),
    })
    return this.accept(order)
  }

  private spike(order: Order, place: number): void {
    this.random.seeded(mix(this.shop.options.seed, stream.anomaly, this.day, -place - 1))
    const shelf = this.shop.catalogue.shelfOn(this.day)
    const offer = itemAt(itemAt(shelf.byRank, this.random.below(bestSellers)), 0)
    const quantity = this.random.between(spikeQuantities.lowest, spikeQuantities.highest)
    order.lines.splice(0, order.lines.length, { offer, quantity })
    this.notes.anomalies.push({
      kind: 'quantity_spike',
      ...this.notes.at(place + 1),
      orderId: order.id,
      productId: offer.productId,
      vendorId: offer.vendorId,
      quantity,
    })
  }
}

function sumsOf(order: Order) {
  let units = 0
  let gross = 0
  for (const { quantity, offer } of order.lines) {
    units += quantity
    gross += quantity * offer.priceThousandths
  }
  return { orders: 1, lines: order.lines.length, units, gross }
}
