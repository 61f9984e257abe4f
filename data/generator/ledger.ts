import { eventTypes, orderStatuses } from '../../domain/contracts/sample-shop.ts'
import type { BusinessTotals, DaySummary, EventType, Status, Tally } from './manifest.ts'
import { decimalText, thousandthsOf } from './money.ts'

interface Sums {
  orders: number
  lines: number
  units: number
  gross: number
}

interface Page {
  orders: Record<Status, Sums>
  events: Record<EventType, number>
  sessions: number
}

function noSums(): Sums {
  return { orders: 0, lines: 0, units: 0, gross: 0 }
}

function blankPage(): Page {
  return {
    orders: { paid: noSums(), cancelled: noSums(), refunded: noSums(), pending: noSums() },
    events: { page_view: 0, view_product: 0, add_to_cart: 0, checkout: 0, purchase: 0 },
    sessions: 0,
  }
}

export function tallyOf(sums: Sums): Tally {
  return { ...sums, gross: decimalText(sums.gross) }
}

/** Sums by business date, money in thousandths. */
export class Ledger {
  private readonly pages = new Map<string, Page>()

  page(date: string): Page {
    let page = this.pages.get(date)
    if (page === undefined) {
      page = blankPage()
      this.pages.set(date, page)
    }
    return page
  }

  book(date: string, status: Status, sums: Sums, sign: 1 | -1): void {
    const target = this.page(date).orders[status]
    target.orders += sign * sums.orders
    target.lines += sign * sums.lines
    target.units += sign * sums.units
    target.gross += sign * sums.gross
  }

  add(totals: BusinessTotals): void {
    for (const status of orderStatuses) {
      const tally = totals.orders[status]
      const gross = thousandthsOf(tally.gross)
      this.book(totals.businessDate, status, { ...tally, gross }, 1)
    }
    const page = this.page(totals.businessDate)
    for (const type of eventTypes) page.events[type] += totals.events[type]
    page.sessions += totals.sessions
  }

  totals(): BusinessTotals[] {
    return [...this.pages]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([businessDate, { orders, events, sessions }]) => ({
        businessDate,
        orders: {
          paid: tallyOf(orders.paid),
          cancelled: tallyOf(orders.cancelled),
          refunded: tallyOf(orders.refunded),
          pending: tallyOf(orders.pending),
        },
        events,
        sessions,
      }))
  }
}

/** The books after all these deliveries: of an order delivered twice, the later status counts. */
export function finalTotals(days: readonly Omit<DaySummary, 'planted'>[]): BusinessTotals[] {
  const delivered = new Set(days.filter((day) => day.complete).map((day) => day.date))
  const ledger = new Ledger()
  for (const day of days) {
    for (const totals of day.delivered) ledger.add(totals)
    for (const { firstDelivered, businessDate, status, tally } of day.restated) {
      if (!delivered.has(firstDelivered)) continue
      ledger.book(businessDate, status, { ...tally, gross: thousandthsOf(tally.gross) }, -1)
    }
  }
  return ledger.totals()
}
