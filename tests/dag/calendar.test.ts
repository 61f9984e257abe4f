import { describe, expect, test } from 'vitest'
import {
  addDays,
  dateForScheduledTime,
  datesBetween,
  dueMs,
  hasEnded,
  instantOf,
  intervalOf,
  isCalendarDate,
  lastCompleteDate,
} from '../../dag/calendar.ts'
import { parseDailyCron } from '../../dag/cron.ts'

const newYork = 'America/New_York'
const at = (text: string) => Date.parse(text)
const iso = (ms: number) => new Date(ms).toISOString()
const hours = ({ startMs, endMs }: { startMs: number; endMs: number }) =>
  (endMs - startMs) / 3_600_000

test.each([
  ['2025-12-13', true],
  ['2024-02-29', true],
  ['2025-02-29', false],
  ['2025-13-45', false],
  ['2025-1-5', false],
  ['13.12.2025', false],
  ['', false],
])('%s is a day of the calendar: %s', (text, expected) => {
  expect(isCalendarDate(text)).toBe(expected)
})

test('days are counted over month ends, leap days and year ends', () => {
  expect(addDays('2024-02-28', 1)).toBe('2024-02-29')
  expect(addDays('2025-12-31', 1)).toBe('2026-01-01')
  expect(datesBetween('2025-12-30', '2026-01-02')).toEqual([
    '2025-12-30',
    '2025-12-31',
    '2026-01-01',
    '2026-01-02',
  ])
  expect(datesBetween('2025-01-02', '2025-01-01')).toEqual([])
})

describe('the last complete day', () => {
  test.each([
    ['2025-12-14T02:00:00Z', 'UTC', '2025-12-13'],
    ['2025-12-14T00:00:00Z', 'UTC', '2025-12-13'],
    ['2025-12-13T23:59:59Z', 'UTC', '2025-12-12'],
    ['2025-12-14T02:00:00Z', newYork, '2025-12-12'],
    ['2025-12-13T13:00:00Z', 'Pacific/Auckland', '2025-12-13'],
  ])('at %s in %s is %s', (now, timeZone, expected) => {
    expect(lastCompleteDate(at(now), timeZone)).toBe(expected)
  })
})

describe('a day is 23 or 25 hours long when clocks change, and days join without a gap', () => {
  test.each([
    [newYork, '2026-03-08', 23],
    [newYork, '2026-11-01', 25],
    [newYork, '2026-11-02', 24],
    ['Europe/Paris', '2027-03-28', 23],
    ['Europe/Paris', '2026-10-25', 25],
    ['America/Sao_Paulo', '2018-11-04', 23],
    ['UTC', '2026-03-08', 24],
  ])('%s %s: %i hours', (timeZone, date, expected) => {
    const interval = intervalOf(date, timeZone)
    expect(hours(interval)).toBe(expected)
    expect(intervalOf(addDays(date, 1), timeZone).startMs).toBe(interval.endMs)
    expect(intervalOf(addDays(date, -1), timeZone).endMs).toBe(interval.startMs)
    expect(hasEnded(date, interval.endMs, timeZone)).toBe(true)
    expect(hasEnded(date, interval.endMs - 1, timeZone)).toBe(false)
  })
})

describe('a scheduled time maps to its day', () => {
  test.each([
    // Clocks go from 02:00 to 03:00: Temporal has no tick; a fill-in at 03:30 means the same day.
    ['2026-03-08T07:30:00Z', '2026-03-07'],
    // Clocks go back: Temporal ticks twice at 01:30, and both mean the same day.
    ['2026-11-01T05:30:00Z', '2026-10-31'],
    ['2026-11-01T06:30:00Z', '2026-10-31'],
    // A click in the Web UI.
    ['2026-07-04T18:12:44Z', '2026-07-03'],
  ])('%s means %s in New York', (tick, expected) => {
    expect(dateForScheduledTime(at(tick), newYork)).toBe(expected)
  })

  test('each day of three years of daily times in two zones is met exactly once', () => {
    for (const timeZone of [newYork, 'Europe/Paris']) {
      const dates = datesBetween('2025-01-01', '2027-12-31')
      const due = dates.map((date) => dueMs(date, parseDailyCron('30 2 * * *'), timeZone))
      expect(due.map((ms) => dateForScheduledTime(ms, timeZone))).toEqual(dates)
    }
  })
})

test('a time that clocks skip comes after the gap; of a time that comes twice it is the first', () => {
  expect(iso(instantOf('2026-03-08', '02:30', newYork))).toBe('2026-03-08T07:30:00.000Z')
  expect(iso(instantOf('2026-11-01', '01:30', newYork))).toBe('2026-11-01T05:30:00.000Z')
})

describe('a daily cron', () => {
  test('is read', () => {
    expect(parseDailyCron('0 2 * * *')).toEqual({ timeOfDay: '02:00' })
    expect(parseDailyCron(' 5  23 * * * ')).toEqual({ timeOfDay: '23:05' })
  })

  test.each([
    ['0 2 * *', /4 fields instead of 5/],
    ['0 24 * * *', /names no time of day/],
    ['*/5 2 * * *', /names no time of day/],
    ['0 2 1 * *', /does not tick every day/],
    ['0 2 * * 1-5', /does not tick every day/],
  ])('%s is refused in words', (expression, message) => {
    expect(() => parseDailyCron(expression)).toThrow(message)
  })
})
