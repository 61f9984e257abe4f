import { lastCompleteDate } from '../dag/calendar.ts'
import { bookDays } from './book-days.ts'
import { defaultDag } from './arguments.ts'
import {
  findDeliveredDays,
  isLandingZoneEmpty,
  isSampleShop,
  writeSampleShop,
} from './landing-zone.ts'
import type { Daybook, Say } from './start-daybook.ts'
import { timed } from './start-daybook.ts'

const sampleDays = 14

/**
 * Fills an empty landing zone with the sample shop up to yesterday, and books its days that no run
 * has booked. Somebody's own files are left to the schedule and to `daybook backfill`.
 */
export async function bookFirstDays(daybook: Daybook, say: Say): Promise<void> {
  const { landingDir, shopTimeZone } = daybook.config
  const yesterday = lastCompleteDate(Date.now(), shopTimeZone)
  if (await isLandingZoneEmpty(landingDir)) {
    const options = { landingDir, lastDay: yesterday, days: sampleDays }
    await timed(say, `${sampleDays} days of sample shop`, () => writeSampleShop(options))
  }
  const days = await findUnbookedDays(daybook, yesterday)
  const [from, to] = [days[0], days.at(-1)]
  if (from === undefined || to === undefined) return
  if (await isSampleShop(landingDir)) {
    await timed(say, `${days.length} days booked`, () => bookDays(daybook, defaultDag, days))
  } else {
    const what = days.length === 1 ? '1 delivered day is' : `${days.length} delivered days are`
    say(`  ${what} not booked: daybook backfill ${from} ${to}`)
  }
}

async function findUnbookedDays({ config, database }: Daybook, lastDay: string): Promise<string[]> {
  const delivered = await findDeliveredDays(config.landingDir)
  const { rows } = await database.query<{ logical_date: string }>(
    `select distinct logical_date from audit.pipeline_runs
     where dag_id = $1 and state = 'success'`,
    [defaultDag],
  )
  const booked = new Set(rows.map((row) => row.logical_date))
  return delivered.filter((date) => date <= lastDay && !booked.has(date))
}
