import { describe, expect, test, vi } from 'vitest'
import { datesBetween } from '../../dag/calendar.ts'
import type { DatedDag, LedgerDay, Question } from '../../dag/find-gaps.ts'
import { dueDates, findGaps, lastDueDate, rangesOf } from '../../dag/find-gaps.ts'
import { holdAgainstCalendar } from '../../dag/hold-against-calendar.ts'

const daily: DatedDag = {
  id: 'books',
  schedule: { cron: '0 0 * * *', timeZone: 'UTC' },
  timeZone: 'UTC',
  startDate: '2026-03-01',
  catchup: true,
}
const withoutCatchup = { ...daily, catchup: false }
const byHand = { ...daily, schedule: null, catchup: false }
const nowMs = Date.parse('2026-03-10T09:30:00Z')

function day(date: string, facts: Partial<LedgerDay> | 'success'): LedgerDay {
  const latest = { state: 'success', error: null } as const
  return { date, latest, open: [], closedAs: null, ...(facts === 'success' ? {} : facts) }
}

function report(dag: DatedDag, ledger: LedgerDay[], question: Question = { nowMs }) {
  return findGaps(dag, ledger, { nowMs: question.nowMs, dates: dueDates(dag, question) })
}

function kinds(dag: DatedDag, ledger: LedgerDay[], at = nowMs) {
  return report(dag, ledger, { nowMs: at }).gaps.map(({ date, kind }) => `${date} ${kind}`)
}

describe("Airflow's worked case: daily at 00:00 from 1 March, now 10 March 09:30, no runs", () => {
  const days = (from: string, to: string, kind: string) =>
    datesBetween(from, to).map((date) => `${date} ${kind}`)

  test('with catch-up the 9 days that have ended are missing', () => {
    expect(kinds(daily, [])).toEqual(days('2026-03-01', '2026-03-09', 'missing'))
  })

  test('without catch-up the newest is missing; the older ones are named, and for what they are', () => {
    expect(kinds(withoutCatchup, [])).toEqual([
      ...days('2026-03-01', '2026-03-08', 'not_caught_up'),
      '2026-03-09 missing',
    ])
    const [oldest] = report(withoutCatchup, []).gaps
    expect(oldest?.reason).toBe('it never ran: catch-up is off')
  })

  test('exactly on a tick the day that ends now is due', () => {
    const tick = Date.parse('2026-03-10T00:00:00Z')
    expect(kinds(withoutCatchup, [], tick).at(-1)).toBe('2026-03-09 missing')
    expect(kinds(withoutCatchup, [], tick - 1).at(-1)).toBe('2026-03-08 missing')
  })

  test('after a week of pause without catch-up only the newest is missing', () => {
    const before = ['2026-03-01', '2026-03-02'].map((date) => day(date, 'success'))
    expect(kinds(withoutCatchup, before)).toEqual([
      ...days('2026-03-03', '2026-03-08', 'not_caught_up'),
      '2026-03-09 missing',
    ])
  })

  test('a day that ran and failed is a gap, whatever catch-up says', () => {
    const failed = day('2026-03-04', { latest: { state: 'failed', error: 'no file' } })
    expect(kinds(withoutCatchup, [failed])).toContain('2026-03-04 failed')
  })
})

describe('a date is', () => {
  const { gaps, ...counts } = report(daily, [
    day('2026-03-01', 'success'),
    day('2026-03-02', { latest: { state: 'failed', error: 'dq_checks failed\nat line 1' } }),
    day('2026-03-03', { latest: { state: 'cancelled', error: null } }),
    day('2026-03-04', { latest: { state: 'running', error: null }, open: ['r4'] }),
    day('2026-03-05', { latest: { state: 'running', error: null }, closedAs: 'TERMINATED' }),
    day('2026-03-06', { latest: { state: 'running', error: null } }),
    day('2026-03-07', { latest: { state: 'running', error: null }, open: ['a', 'b'] }),
    day('2026-03-08', { latest: null, open: ['waiting'] }),
  ])
  const gapOf = (date: string) => gaps.find((gap) => gap.date === date)

  test('counted once: done, running or a gap', () => {
    expect(counts).toEqual({
      ...{ dagId: 'books', from: '2026-03-01', to: '2026-03-09', due: 9, done: 1 },
      running: ['2026-03-04', '2026-03-08'],
    })
    expect(gaps).toHaveLength(6)
  })

  test.each([
    ['2026-03-02', 'failed', /^dq_checks failed$/, /daybook show books\/2026-03-02/],
    ['2026-03-03', 'cancelled', /it was cancelled/, /daybook backfill 2026-03-03 2026-03-03/],
    ['2026-03-05', 'half_done', /running, but Temporal says terminated/, /daybook backfill/],
    ['2026-03-06', 'half_done', /running, but Temporal knows no such/, /daybook backfill/],
    ['2026-03-07', 'doubled', /2 executions run at once: a, b/, /workflow terminate .*03-07/],
    ['2026-03-09', 'missing', /never ran/, /daybook backfill 2026-03-09 2026-03-09 --dag books/],
  ])('%s %s, with the reason and the remedy', (date, kind, reason, remedy) => {
    expect(gapOf(date)).toMatchObject({ kind })
    expect(gapOf(date)?.reason).toMatch(reason)
    expect(gapOf(date)?.remedy).toMatch(remedy)
  })

  test('half done also when its row says by now that it was terminated', () => {
    const latest = { state: 'cancelled', error: 'terminated', isCutOff: true } as const
    const [gap] = report(daily, [day('2026-03-01', { latest })]).gaps
    expect(gap).toMatchObject({ kind: 'half_done', reason: 'terminated' })
    expect(gap?.remedy).toContain('daybook show')
  })

  test('not missed because a row of an earlier execution still says running', () => {
    const rerun = day('2026-03-01', { closedAs: 'TERMINATED' })
    expect(kinds(daily, [rerun])).not.toContain('2026-03-01 half_done')
  })

  test('running when it failed and was started again, before its new row is written', () => {
    const again = day('2026-03-02', { latest: { state: 'failed', error: 'x' }, open: ['r'] })
    expect(report(daily, [again]).running).toEqual(['2026-03-02'])
  })
})

describe('the range', () => {
  test('ends with the last date whose time has come, not with the last that has ended', () => {
    const atTwo = { ...daily, schedule: { cron: '0 2 * * *', timeZone: 'UTC' } }
    expect(lastDueDate(atTwo, Date.parse('2026-03-10T01:59:59Z'))).toBe('2026-03-08')
    expect(lastDueDate(atTwo, Date.parse('2026-03-10T02:00:00Z'))).toBe('2026-03-09')
  })

  test('can be narrowed, or begin before the start date', () => {
    const dates = (from?: string, to?: string) => dueDates(daily, { nowMs, from, to })
    expect(dates('2026-03-03', '2026-03-04')).toEqual(['2026-03-03', '2026-03-04'])
    expect(dates('2026-02-28', '2026-03-01')).toEqual(['2026-02-28', '2026-03-01'])
    expect(dates('2026-03-09', '2027-01-01')).toEqual(['2026-03-09'])
    expect(dates('2026-03-10')).toEqual([])
  })

  test('of a DAG without a schedule is what was asked for', () => {
    expect(report(byHand, [])).toMatchObject({ from: null, due: 0, gaps: [] })
    const asked = report(byHand, [], { nowMs, from: '2026-03-08' })
    expect(asked.gaps.map(({ date, kind }) => `${date} ${kind}`)).toEqual([
      ...['2026-03-08 missing', '2026-03-09 missing'],
    ])
  })

  test('leaves out the day that clocks in Samoa never showed', () => {
    const timeZone = 'Pacific/Apia'
    const apia = { ...daily, timeZone, schedule: { cron: '0 2 * * *', timeZone } }
    const newYear = { nowMs: Date.parse('2012-01-02T00:00:00Z'), from: '2011-12-28' }
    expect(dueDates(apia, newYear)).toEqual([
      ...['2011-12-28', '2011-12-29', '2011-12-31', '2012-01-01'],
    ])
  })
})

test('adjoining dates are one range, over month ends, up to the longest one allowed', () => {
  const dates = ['2026-03-01', '2026-02-28', '2026-03-03', '2026-03-04', '2026-03-05']
  const words = rangesOf(dates, 2).map(({ from, to, dates: days }) => [from, to, days.length])
  expect(words).toEqual([
    ['2026-02-28', '2026-03-01', 2],
    ['2026-03-03', '2026-03-04', 2],
    ['2026-03-05', '2026-03-05', 1],
  ])
  expect(rangesOf([], 10)).toEqual([])
})

test('years of dates are worked out once, to read them and to judge them', async () => {
  const looks = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')
  const question = { nowMs, from: '2016-03-01' }
  const dates = dueDates(daily, question)
  const looksAtOnce = looks.mock.calls.length
  looks.mockClear()
  const readLedger = vi.fn(async () => dates.map((date) => day(date, 'success')))
  const held = await holdAgainstCalendar(daily, question, readLedger)
  expect(held).toMatchObject({ from: '2016-03-01', due: 3661, done: 3661, gaps: [] })
  expect(readLedger).toHaveBeenCalledWith(expect.objectContaining({ dagId: 'books', dates }))
  expect(looks.mock.calls.length).toBeLessThan(looksAtOnce * 1.1)
  looks.mockRestore()
})
