import { describe, expect, test } from 'vitest'
import { addDays, dateForScheduledTime, datesBetween, instantOf } from '../../dag/calendar.ts'
import type { DatedDag, LedgerDay } from '../../dag/find-gaps.ts'
import { dueDates, findGaps } from '../../dag/find-gaps.ts'

/** Half and quarter hours, clocks that change at midnight, zones that moved, one that lost a day. */
const zones = [
  ...['UTC', 'America/New_York', 'Europe/Paris', 'America/St_Johns', 'America/Havana'],
  ...['America/Sao_Paulo', 'America/Asuncion', 'America/Caracas', 'Atlantic/Azores'],
  ...['Europe/Moscow', 'Africa/Cairo', 'Africa/Casablanca', 'Asia/Beirut', 'Asia/Amman'],
  ...['Asia/Tehran', 'Asia/Kolkata', 'Asia/Pyongyang', 'Australia/Lord_Howe'],
  ...['Pacific/Chatham', 'Pacific/Apia'],
]
const first = '2010-01-01'
const last = '2019-12-31'
const hourMs = 3_600_000

// Samoa went from 29 to 31 December 2011.
const skipped: Partial<Record<string, string>> = { 'Pacific/Apia': '2011-12-30' }

function dagIn(timeZone: string): DatedDag {
  const schedule = { cron: '30 2 * * *', timeZone }
  return { id: 'books', schedule, timeZone, startDate: first, catchup: true }
}

const done = (date: string): LedgerDay => {
  return { date, latest: { state: 'success', error: null }, open: [], closedAs: null }
}

describe('ten years of days in', () => {
  test.each(zones)('%s: each is due once, no tick is lost or doubled, days adjoin', (timeZone) => {
    const dag = dagIn(timeZone)
    const nowMs = instantOf(addDays(last, 1), '02:30', timeZone)
    const asked = { nowMs, dates: dueDates(dag, { nowMs }) }
    const due = findGaps(dag, [], asked).gaps

    const dates = datesBetween(first, last).filter((date) => date !== skipped[timeZone])
    expect(due.map(({ date }) => date)).toEqual(dates)

    const ran = due.map((gap) => dateForScheduledTime(gap.dueMs, timeZone))
    expect(ran).toEqual(dates)

    const starts = dates.map((date) => instantOf(date, '00:00', timeZone))
    const hours = starts.slice(1).map((start, index) => (start - (starts[index] ?? 0)) / hourMs)
    expect(Math.min(...hours)).toBeGreaterThanOrEqual(23)
    expect(Math.max(...hours)).toBeLessThanOrEqual(25)

    expect(findGaps(dag, ran.map(done), asked).gaps).toEqual([])
  })
})
