import type { Cron } from './cron.ts'

const dayMs = 86_400_000

/** A day of a time zone as instants in UTC milliseconds: [start, end), 23, 24 or 25 hours long. */
export interface Interval {
  readonly startMs: number
  readonly endMs: number
}

/** Whether the text is a day of the calendar, written YYYY-MM-DD. */
export function isCalendarDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  // PostgreSQL knows no year 0.
  if (text < '0001') return false
  const atMidnight = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(atMidnight.getTime()) && atMidnight.toISOString().startsWith(text)
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10)
}

/** Both ends included, oldest first. */
export function datesBetween(from: string, to: string): string[] {
  const count = Math.round((Date.parse(to) - Date.parse(from)) / dayMs) + 1
  return Array.from({ length: Math.max(count, 0) }, (_, index) => addDays(from, index))
}

/** The day on which an instant falls in a zone. */
export function localDate(instantMs: number, timeZone: string): string {
  return wallClock(instantMs, timeZone).slice(0, 10)
}

/** The last day that has ended at an instant: the day a run is for that is given no date. */
export function lastCompleteDate(instantMs: number, timeZone: string): string {
  const midnightMs = instantOf(localDate(instantMs, timeZone), '00:00', timeZone)
  // Not the date minus one: where the date line moved, that day may never have been.
  return localDate(midnightMs - 1, timeZone)
}

/**
 * The day a run is for that a schedule starts at an instant, be it a tick or somebody's click. Taken
 * from the calendar, never from counting ticks: Temporal ticks twice or not at all when clocks change.
 */
export function dateForScheduledTime(instantMs: number, timeZone: string): string {
  return lastCompleteDate(instantMs, timeZone)
}

export function intervalOf(date: string, timeZone: string): Interval {
  return {
    startMs: instantOf(date, '00:00', timeZone),
    endMs: instantOf(addDays(date, 1), '00:00', timeZone),
  }
}

export function hasEnded(date: string, nowMs: number, timeZone: string): boolean {
  return intervalOf(date, timeZone).endMs <= nowMs
}

/** When the run of a day is due: at the time of the schedule on the next day. */
export function dueMs(date: string, cron: Cron, timeZone: string): number {
  return instantOf(addDays(date, 1), cron.timeOfDay, timeZone)
}

/**
 * Whether a tick is the second one of its day: clocks show the time of the schedule, but have shown it
 * before. A person's click at another time is none.
 */
export function isDoubledTick(instantMs: number, cron: Cron, timeZone: string): boolean {
  const shown = wallClock(instantMs, timeZone)
  if (!shown.endsWith(`T${cron.timeOfDay}:00`)) return false
  return instantMs !== instantOf(shown.slice(0, 10), cron.timeOfDay, timeZone)
}

/**
 * The instant at which clocks of a zone show a time (HH:MM). A time that clocks skip means as long
 * after the skip; of a time that comes twice, the first.
 */
export function instantOf(date: string, timeOfDay: string, timeZone: string): number {
  const wanted = Date.parse(`${date}T${timeOfDay}:00Z`)
  // Offsets from a day before and a day after hold on either side of any change of clocks.
  const [before, after] = [offsetMs(wanted - dayMs, timeZone), offsetMs(wanted + dayMs, timeZone)]
  const candidates = [wanted - before, wanted - after].filter(
    (instant) => instant + offsetMs(instant, timeZone) === wanted,
  )
  return candidates.length > 0 ? Math.min(...candidates) : wanted - before
}

/** How far the clocks of a zone are ahead of UTC at an instant. */
function offsetMs(instantMs: number, timeZone: string): number {
  const seconds = Math.floor(instantMs / 1_000) * 1_000
  return Date.parse(`${wallClock(seconds, timeZone)}Z`) - seconds
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** YYYY-MM-DDTHH:MM:SS as clocks of a zone show it. */
function wallClock(instantMs: number, timeZone: string): string {
  const format = formats.get(timeZone) ?? newFormat(timeZone)
  const parts = new Map(format.formatToParts(instantMs).map(({ type, value }) => [type, value]))
  const part = (type: Intl.DateTimeFormatPartTypes, width = 2) =>
    (parts.get(type) ?? '').padStart(width, '0')
  const date = `${part('year', 4)}-${part('month')}-${part('day')}`
  return `${date}T${part('hour')}:${part('minute')}:${part('second')}`
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric'
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    ...{ year: numeric, month: numeric, day: numeric },
    ...{ hour: numeric, minute: numeric, second: numeric },
  })
  formats.set(timeZone, format)
  return format
}
