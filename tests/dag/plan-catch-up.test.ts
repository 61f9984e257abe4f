import { describe, expect, test } from 'vitest'
import { datesBetween, isDoubledTick } from '../../dag/calendar.ts'
import { parseDailyCron } from '../../dag/cron.ts'
import type { LedgerDay } from '../../dag/find-gaps.ts'
import { dueDates, findGaps } from '../../dag/find-gaps.ts'
import type { CatchUpDag } from '../../dag/plan-catch-up.ts'
import {
  dateInWorkflowId,
  historyStart,
  missingWithRoom,
  tickIdOf,
} from '../../dag/plan-catch-up.ts'

const daily: CatchUpDag = {
  id: 'books',
  schedule: { cron: '0 0 * * *', timeZone: 'UTC' },
  timeZone: 'UTC',
  startDate: '2026-03-01',
  catchup: true,
  maxRuns: 100,
}
const now = '2026-03-10T09:30:00Z'
const march = (from: number, to: number) => datesBetween(`2026-03-0${from}`, `2026-03-0${to}`)

function day(date: string, state: 'success' | 'failed' | 'running' = 'success'): LedgerDay {
  const open = state === 'running' ? [date] : []
  return { date, latest: { state, error: null }, open, closedAs: null }
}

interface Known {
  readonly at?: string
  readonly firstScheduled?: string
  readonly madeAt?: string
  readonly held?: readonly string[]
}

/** The dates that would be started. */
function started(dag: CatchUpDag, ledger: LedgerDay[] = [], known: Known = {}): string[] {
  const { at = now, firstScheduled, madeAt = '2026-02-01T00:00:00Z', held = [] } = known
  const nowMs = Date.parse(at)
  const from = historyStart(dag, { nowMs, firstScheduled, scheduleMadeMs: Date.parse(madeAt) })
  if (from === undefined) return []
  const dates = dueDates(dag, { nowMs, from })
  expect(dates[0]).toBe(from)
  const report = findGaps(dag, ledger, { nowMs, dates })
  const { missing, room } = missingWithRoom(report, dag, (date) => held.includes(date))
  return missing.slice(0, Math.max(room, 0))
}

describe("AT-C1 Airflow's worked case: daily at 00:00 from 1 March, now 10 March 09:30", () => {
  test('with catch-up all 9 days are started, without it the newest', () => {
    expect(started(daily)).toEqual(march(1, 9))
    expect(started({ ...daily, catchup: false })).toEqual(['2026-03-09'])
  })

  test('exactly on a tick the day that ends now is started', () => {
    const newest = { ...daily, catchup: false }
    expect(started(newest, [], { at: '2026-03-10T00:00:00Z' })).toEqual(['2026-03-09'])
    expect(started(newest, [], { at: '2026-03-09T23:59:59Z' })).toEqual(['2026-03-08'])
  })

  test('what has failed, goes on or is half-done is left alone', () => {
    const halfDone = { ...day('2026-03-03', 'running'), open: [], closedAs: 'TERMINATED' }
    const ledger = [day('2026-03-01'), day('2026-03-02', 'failed'), halfDone]
    expect(started(daily, ledger)).toEqual(march(4, 9))
  })
})

test('AT-C3 after a week of pause all days are started with catch-up, the newest without', () => {
  const before = march(1, 2).map((date) => day(date))
  expect(started(daily, before)).toEqual(march(3, 9))
  expect(started({ ...daily, catchup: false }, before)).toEqual(['2026-03-09'])
})

describe('no more is started than there is room for', () => {
  const narrow = { ...daily, maxRuns: 3 }

  test('the oldest first, beside those that run', () => {
    expect(started(narrow)).toEqual(march(1, 3))
    expect(started(narrow, [day('2026-03-05', 'running')])).toEqual(march(1, 2))
    const full = march(4, 6).map((date) => day(date, 'running'))
    expect(started(narrow, full)).toEqual([])
  })

  test('the days of a backfill are its own, and take no room', () => {
    const backfill = { held: march(1, 4) }
    expect(started(narrow, [day('2026-03-02', 'running')], backfill)).toEqual(march(5, 7))
  })
})

describe('a DAG without a start date', () => {
  const open: CatchUpDag = { ...daily, startDate: undefined }

  test('has a history from the first run that its schedule made', () => {
    expect(started(open, [day('2026-03-06')], { firstScheduled: '2026-03-06' })).toEqual(
      march(7, 9),
    )
  })

  test('has none before: only the newest day is started, and only if the schedule was there for it', () => {
    expect(started(open)).toEqual(['2026-03-09'])
    expect(started(open, [], { madeAt: '2026-03-10T00:00:01Z' })).toEqual([])
    expect(started(open, [], { madeAt: '2026-03-10T00:00:00Z' })).toEqual(['2026-03-09'])
  })
})

describe('the executions of a date', () => {
  const newYork = { ...daily, schedule: { cron: '30 1 * * *', timeZone: 'America/New_York' } }
  const dag = { ...newYork, timeZone: 'America/New_York' }

  test("a start has the id that Temporal gives the date's tick", () => {
    expect(tickIdOf(dag, '2026-10-31')).toBe('books-2026-11-01T05:30:00Z')
    expect(tickIdOf(dag, '2026-11-01')).toBe('books-2026-11-02T06:30:00Z')
  })

  test.each([
    ['books/2026-10-31', '2026-10-31'],
    ['books-2026-11-01T05:30:00Z', '2026-10-31'],
    ['books-2026-11-01T06:30:00Z', '2026-10-31'],
    ['books-of-others', undefined],
    ['books/2026-10-31/pages/0', undefined],
    ['booksellers/2026-10-31', undefined],
    ['what people type', undefined],
  ])('%s is for %s', (workflowId, date) => {
    expect(dateInWorkflowId(dag, workflowId)).toBe(date)
  })

  test.each([
    ['30 1 * * *', 'America/New_York', '2026-11-01T05:30:00Z', false],
    ['30 1 * * *', 'America/New_York', '2026-11-01T06:30:00Z', true],
    ['30 1 * * *', 'America/New_York', '2026-11-01T06:31:00Z', false],
    ['30 1 * * *', 'America/New_York', '2026-11-01T06:30:01Z', false],
    ['30 2 * * *', 'America/New_York', '2026-03-08T07:30:00Z', false],
    ['30 2 * * *', 'Europe/Paris', '2026-10-25T01:30:00Z', true],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T15:15:00Z', true],
    ['0 2 * * *', 'UTC', '2026-11-01T02:00:00Z', false],
  ])('%s in %s: that %s is a doubled tick is %s', (cron, timeZone, instant, expected) => {
    const ms = Date.parse(instant)
    expect(isDoubledTick(ms, parseDailyCron(cron), timeZone)).toBe(expected)
  })
})
