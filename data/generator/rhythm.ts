import { dateOf, dayOf, mondayOf, weekdayOf } from './calendar.ts'
import type { DayAnomaly } from './manifest.ts'
import type { ShopOptions } from './options.ts'
import { itemAt, mix, Random, stream } from './random.ts'

const weekdayFactors = [1.02, 0.94, 0.92, 0.96, 1.07, 1.17, 0.92]
const paydayFactor = 1.12
const dailyNoise = 0.03

/** Share of a day's visits by hour, UTC, from midnight. */
const hourWeights = [
  10, 6, 4, 3, 3, 5, 12, 22, 34, 44, 50, 54, 58, 54, 50, 50, 54, 62, 74, 82, 80, 66, 42, 22,
]
const clockSteps = 1440

export const dayAnomalyKinds = {
  orders_drop: { kind: 'orders_drop', metric: 'orders', factor: 0.6 },
  conversion_collapse: { kind: 'conversion_collapse', metric: 'conversion', factor: 0.25 },
  cancellation_surge: { kind: 'cancellation_surge', metric: 'cancelled_orders', factor: 6 },
} as const satisfies Record<DayAnomaly['kind'], Omit<DayAnomaly, 'deliveryDate'>>

/** How many records each day brings, when in the day they happen, and which days go wrong. */
export class Rhythm {
  private readonly options: ShopOptions
  private readonly openedOn: number
  private readonly orderRows = new Map<number, number>()

  constructor(options: ShopOptions) {
    this.options = options
    this.openedOn = dayOf(options.epoch)
  }

  isOpen(day: number): boolean {
    return day >= this.openedOn
  }

  orderRowsOn(day: number): number {
    let rows = this.orderRows.get(day)
    if (rows === undefined) {
      const drop = this.anomalyOn(day) === 'orders_drop' ? dayAnomalyKinds.orders_drop.factor : 1
      rows = Math.max(1, Math.round(this.options.orders * this.factorOn(day, 1) * drop))
      this.orderRows.set(day, rows)
    }
    return rows
  }

  eventRowsOn(day: number): number {
    return Math.max(1, Math.round(this.options.events * this.factorOn(day, 2)))
  }

  /** With --anomalies one day of each week, from Monday, goes wrong. */
  anomalyOn(day: number): DayAnomaly['kind'] | undefined {
    if (!this.options.anomalies) return undefined
    const hash = mix(this.options.seed, stream.anomaly, mondayOf(day), 0)
    if (hash % 7 !== weekdayOf(day)) return undefined
    return itemAt(Object.values(dayAnomalyKinds), (hash >>> 8) % 3).kind
  }

  private factorOn(day: number, kind: number): number {
    if (this.options.flat) return 1
    const random = new Random().seeded(mix(this.options.seed, stream.volume, day, kind))
    const payday = isPayday(day) ? paydayFactor : 1
    return itemAt(weekdayFactors, weekdayOf(day)) * payday * Math.exp(dailyNoise * random.normal())
  }
}

/** Wages arrive from the 25th to the 28th and are spent then. */
function isPayday(day: number): boolean {
  const dayOfMonth = Number(dateOf(day).slice(8))
  return dayOfMonth >= 25 && dayOfMonth <= 28
}

const clock = secondsByShare()

/** The second of the day before which this share of the visits has happened. */
export function secondAt(share: number): number {
  const position = Math.min(share, 1) * clockSteps
  const step = Math.min(Math.floor(position), clockSteps - 1)
  const from = itemAt(clock, step)
  return Math.floor(from + (position - step) * (itemAt(clock, step + 1) - from))
}

function secondsByShare(): number[] {
  const total = hourWeights.reduce((sum, weight) => sum + weight, 0)
  const seconds: number[] = []
  let hour = 0
  let before = 0
  for (let step = 0; step <= clockSteps; step++) {
    const target = (step / clockSteps) * total
    while (hour < 23 && before + itemAt(hourWeights, hour) < target) {
      before += itemAt(hourWeights, hour)
      hour++
    }
    // The day's last minute stays free: 86,399 is its last second.
    const within = (target - before) / itemAt(hourWeights, hour)
    seconds.push(Math.min((hour + within) * 3600, 86_340))
  }
  return seconds
}
