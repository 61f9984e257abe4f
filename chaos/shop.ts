import { join } from 'node:path'
import { generateShop } from '../data/generator/generate.ts'

export const dagId = 'ecommerce_daily'

/** Two catalogues: that of the Monday in the middle, and the one before, which the first day brings. */
export const dates = [
  ...['2025-12-11', '2025-12-12', '2025-12-13', '2025-12-14'],
  ...['2025-12-15', '2025-12-16', '2025-12-17'],
] as const

export interface ShopSize {
  /** Orders of a day. */
  readonly orders: number
}

const eventsPerOrder = 5

/** Writes the deliveries of the week and returns the landing zone. */
export async function deliverWeek(folder: string, { orders }: ShopSize): Promise<string> {
  const out = join(folder, 'incoming')
  await generateShop({
    ...{ from: dates[0], days: dates.length, out, flat: true, anomalies: true },
    ...{ orders, events: orders * eventsPerOrder, dirt: 0.005, seed: 42 },
  })
  return out
}
