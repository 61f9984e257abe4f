import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { generateShop } from '../data/generator/generate.ts'

export const dagId = 'ecommerce_daily'

/**
 * A week that ends on a Monday, with the catalogue: it comes after all facts that need it. A catalogue
 * in the middle of the week is brought by whichever of the days after it asks first, so where it is
 * counted depends on the order of days.
 */
export const dates = [
  ...['2025-12-16', '2025-12-17', '2025-12-18', '2025-12-19'],
  ...['2025-12-20', '2025-12-21', '2025-12-22'],
] as const
const catalogueBefore = 'products/products_2025-12-15.json'

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
  await rm(join(out, catalogueBefore))
  return out
}
