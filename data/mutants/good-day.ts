import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Contract } from '../../domain/contracts/contract.ts'
import { dateOf, dayOf } from '../generator/calendar.ts'
import { generateDays } from '../generator/generate.ts'
import { readDelivery } from './delivery.ts'
import type { GoodDay } from './mutant.ts'

/** A Monday, so that the catalogue is delivered as well. */
export const generatedDate = '2025-12-15'

/** A week, for what is compared with the days before; the Mondays before, for weekdays and catalogues. */
const daysBack = [1, 2, 3, 4, 5, 6, 7, 14, 21, 28, 35, 42, 49, 56]

/** The days whose deliveries are published before the good day is judged, oldest first. */
export function historyOf(date: string): string[] {
  return daysBack.toSorted((one, other) => other - one).map((back) => dateOf(dayOf(date) - back))
}

/** Writes a small shop without any dirt: the good day and its history. */
export async function generateGoodDays(folder: string, seed: number): Promise<void> {
  const shop = { out: folder, seed, orders: 400, events: 1500, dirt: 0 }
  for (const date of [...historyOf(generatedDate), generatedDate]) {
    for await (const day of generateDays({ ...shop, from: date, days: 1 })) void day
  }
}

/** Where the sample shop delivers a source on a day. */
export function pathOf(source: string, date: string): string {
  if (source === 'products') return `products/products_${date}.json`
  return source === 'orders' ? `orders/${date}/orders.json` : `events/${date}/events.csv`
}

/** One source's good day in a landing zone, to be spoilt; undefined when it was not delivered then. */
export async function readGoodDay(
  folder: string,
  contract: Contract,
  date: string,
): Promise<GoodDay | undefined> {
  const { source } = contract
  const dateBefore = dateOf(dayOf(date) - (source === 'products' ? 7 : 1))
  const path = pathOf(source, date)
  const text = await readIfThere(join(folder, path))
  if (text === undefined) return undefined
  const before = (await readIfThere(join(folder, pathOf(source, dateBefore)))) ?? text
  return { date, path, text, before, delivery: readDelivery(contract, text) }
}

async function readIfThere(file: string): Promise<string | undefined> {
  for (const name of [file, `${file}.gz`]) {
    try {
      const bytes = await readFile(name)
      return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  return undefined
}
