import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { addDays } from '../dag/calendar.ts'
import { generateDays } from '../data/generator/generate.ts'
import { createProgress } from './progress.ts'

const isDate = /^\d{4}-\d{2}-\d{2}$/

/** Days for which the landing zone has a folder of orders or events, oldest first. */
export async function findDeliveredDays(landingDir: string): Promise<string[]> {
  const folders = await Promise.all(
    ['orders', 'events'].map((source) => readdir(join(landingDir, source)).catch(() => [])),
  )
  return [...new Set(folders.flat())].filter((name) => isDate.test(name)).sort()
}

/** Whether nothing has been delivered: no folder, or nothing in it but hidden files. */
export async function isLandingZoneEmpty(landingDir: string): Promise<boolean> {
  const names = await readdir(landingDir).catch(() => [])
  return names.every((name) => name.startsWith('.') || name.endsWith('.md'))
}

/** Whether its files are the sample shop's: those are booked without being asked. */
export async function isSampleShop(landingDir: string): Promise<boolean> {
  return access(join(landingDir, 'manifest.json')).then(
    () => true,
    () => false,
  )
}

export interface SampleOptions {
  landingDir: string
  lastDay: string
  days: number
}

/** Writes the last days of the sample shop, with anomalies to find. */
export async function writeSampleShop({ landingDir, lastDay, days }: SampleOptions): Promise<void> {
  const progress = createProgress(days)
  const from = addDays(lastDay, 1 - days)
  let done = 0
  for await (const day of generateDays({ from, days, out: landingDir, anomalies: true })) {
    done++
    progress.update(done, `generating ${day.date}`)
  }
  progress.end()
}
