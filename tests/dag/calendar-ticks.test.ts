import { msToTs, tsToMs } from '@temporalio/common/lib/time.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  dateForScheduledTime,
  datesBetween,
  dueMs,
  intervalOf,
  lastCompleteDate,
} from '../../dag/calendar.ts'
import { parseDailyCron } from '../../dag/cron.ts'
import type { DatedDag, LedgerDay } from '../../dag/find-gaps.ts'
import { dueDates, findGaps } from '../../dag/find-gaps.ts'
import type { TestTemporal } from '../support/servers.ts'
import { testTemporal } from '../support/servers.ts'

let temporal: TestTemporal
beforeAll(async () => {
  temporal = await testTemporal()
})
afterAll(() => temporal.close())

const iso = (ms: number) => new Date(ms).toISOString().slice(0, 16)
const dates = datesBetween('2026-01-01', '2026-12-30')
const nowMs = Date.parse('2026-12-31T12:00:00Z')

const done = (date: string): LedgerDay => {
  return { date, latest: { state: 'success', error: null }, open: [], closedAs: null }
}

/** The instants at which Temporal itself would tick in 2026, by its own reading of the zone. */
async function ticksOf2026(cron: string, timeZone: string): Promise<number[]> {
  const { client, namespace, taskQueue } = temporal
  const scheduleId = `${cron} ${timeZone}`
  const handle = await client.schedule.create({
    ...{ scheduleId, spec: { cronExpressions: [cron], timezone: timeZone } },
    action: { type: 'startWorkflow', workflowType: 'none', taskQueue, args: [] },
    state: { paused: true },
  })
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    ...{ namespace, scheduleId },
    startTime: msToTs(Date.parse('2026-01-01T12:00:00Z')),
    endTime: msToTs(nowMs),
  })
  await handle.delete()
  return startTime.map((tick) => tsToMs(tick))
}

/** The dates that a year of ticks stands for, in their order; a doubled tick gives its date twice. */
async function datesOfTicks(cron: string, timeZone: string): Promise<string[]> {
  const ticks = await ticksOf2026(cron, timeZone)
  return ticks.map((ms) => dateForScheduledTime(ms, timeZone))
}

function gapsAfter(ran: string[], cron: string, timeZone: string): string[] {
  const schedule = { cron, timeZone }
  const dag: DatedDag = { id: 'books', schedule, timeZone, startDate: '2026-01-01', catchup: true }
  const dates = dueDates(dag, { nowMs, to: '2026-12-30' })
  return findGaps(dag, ran.map(done), { nowMs, dates }).gaps.map(({ date }) => date)
}

describe("a year of Temporal's own ticks", () => {
  test.each([
    ['30 2 * * *', 'America/New_York', ['2026-03-07']],
    ['0 0 * * *', 'America/New_York', []],
    ['30 2 * * *', 'Europe/Paris', ['2026-03-28']],
    ['0 0 * * *', 'Europe/Paris', []],
    ['30 0 * * *', 'America/Havana', ['2026-03-07']],
    ['15 2 * * *', 'Australia/Lord_Howe', []],
    ['0 2 * * *', 'UTC', []],
  ])('at %s in %s leaves out %j, and the ledger names it', async (cron, timeZone, lost) => {
    const ran = await datesOfTicks(cron, timeZone)
    expect(gapsAfter(ran, cron, timeZone)).toEqual(lost)
    expect(new Set([...ran, ...lost])).toEqual(new Set(dates))
  })

  test('that has one tick too many stands for every date all the same', async () => {
    const ran = await datesOfTicks('30 1 * * *', 'America/New_York')
    expect(ran.filter((date, index) => ran.indexOf(date) !== index)).toEqual(['2026-10-31'])
    expect([...new Set(ran)]).toEqual(dates)
    expect(gapsAfter(ran, '30 1 * * *', 'America/New_York')).toEqual([])
  })
})

describe('when clocks change, one run a day is due', () => {
  test.each([
    ['30 2 * * *', 'America/New_York', '2026-03-07', '2026-03-08T07:30'],
    ['30 1 * * *', 'America/New_York', '2026-10-31', '2026-11-01T05:30'],
    ['0 0 * * *', 'America/New_York', '2026-03-08', '2026-03-09T04:00'],
    ['0 0 * * *', 'America/New_York', '2026-11-01', '2026-11-02T05:00'],
    ['30 2 * * *', 'Europe/Paris', '2026-03-28', '2026-03-29T01:30'],
    ['30 2 * * *', 'Europe/Paris', '2026-10-24', '2026-10-25T00:30'],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03', '2026-10-03T15:45'],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04', '2026-04-04T14:45'],
  ])('%s %s: the run of %s at %s UTC', (cron, timeZone, date, expected) => {
    const due = dates.map((day) => dueMs(day, parseDailyCron(cron), timeZone))
    expect(iso(due[dates.indexOf(date)] ?? 0)).toBe(expected)
    expect(new Set(due.map((ms) => dateForScheduledTime(ms, timeZone))).size).toBe(dates.length)
  })
})

test('a run by hand at 01:00 on the 25th is for the 24th, the last interval that is complete', () => {
  const date = lastCompleteDate(Date.parse('2026-03-25T01:00:00Z'), 'UTC')
  const { startMs, endMs } = intervalOf(date, 'UTC')
  expect([iso(startMs), iso(endMs)]).toEqual(['2026-03-24T00:00', '2026-03-25T00:00'])
})
