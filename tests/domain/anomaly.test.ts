import { describe, expect, test } from 'vitest'
import { expectedRange, scoreMetric, type HistoryDay } from '../../domain/anomaly.ts'

/** Orders by weekday (dayNo modulo 7), with a little deterministic noise. */
const weekday = [1400, 1000, 980, 1020, 1010, 1300, 1500]
function ordersOn(dayNo: number): number {
  const noise = ((dayNo * 7919) % 41) - 20
  return Math.round((weekday[dayNo % 7] ?? 0) * (1 + noise / 1000))
}
function days(from: number, count: number, figure: (dayNo: number) => number): HistoryDay[] {
  return Array.from({ length: count }, (_, index) => from + index).map((dayNo) => ({
    dayNo,
    value: figure(dayNo),
  }))
}

describe('scoreMetric', () => {
  const past = days(100, 56, ordersOn)
  const scoredDay = 156

  test('an ordinary day of a weekly pattern is not flagged, whatever its weekday', () => {
    for (let dayNo = 156; dayNo < 163; dayNo += 1) {
      const score = scoreMetric(dayNo, ordersOn(dayNo), days(dayNo - 56, 56, ordersOn))
      expect(score).toMatchObject({ state: 'scored', isAnomaly: false, historyDays: 56 })
    }
  })

  test('a day that lost a third of its orders is flagged, though Sundays are that low', () => {
    const saturday = 160 // 160 % 7 === 6
    const score = scoreMetric(saturday, 1000, days(104, 56, ordersOn))
    expect(score.isAnomaly).toBe(true)
    expect(score.zScore).toBeLessThan(-3.5)
  })

  test('the scored day and later days are never in their own baseline', () => {
    const spike = 50_000
    const alone = scoreMetric(scoredDay, spike, past)
    const withItself = scoreMetric(scoredDay, spike, [
      ...past,
      { dayNo: scoredDay, value: spike },
      { dayNo: scoredDay + 1, value: spike },
    ])
    expect(withItself).toEqual(alone)
    expect(alone.isAnomaly).toBe(true)
  })

  test('days older than 56 days are left out', () => {
    const old = days(50, 50, () => 1_000_000)
    expect(scoreMetric(scoredDay, 1000, [...old, ...past])).toEqual(
      scoreMetric(scoredDay, 1000, past),
    )
  })

  test('a day without a figure is no_data and never taken as zero', () => {
    expect(scoreMetric(scoredDay, null, past)).toMatchObject({
      state: 'no_data',
      zScore: null,
      isAnomaly: false,
    })
  })

  test('a true zero where a thousand are expected is flagged', () => {
    expect(scoreMetric(scoredDay, 0, past)).toMatchObject({ state: 'scored', isAnomaly: true })
  })

  test.each([0, 2, 13])('with %i days of past it learns', (count) => {
    const score = scoreMetric(scoredDay, 5, days(scoredDay - count, count, ordersOn))
    expect(score).toMatchObject({ state: 'learning', zScore: null, historyDays: count })
  })

  test('14 days of past are enough, by the median of all of them', () => {
    const score = scoreMetric(
      14,
      100,
      days(0, 14, () => 100),
    )
    expect(score).toMatchObject({ state: 'scored', zScore: 0 })
    expect(score.expected).toBeCloseTo(100)
  })

  test.each([0, 1, 7, 100_000])('a series that is always %d never divides by zero', (constant) => {
    const flat = days(100, 56, () => constant)
    const same = scoreMetric(scoredDay, constant, flat)
    expect(same.zScore).toBeCloseTo(0)
    const other = scoreMetric(scoredDay, constant * 10 + 200, flat)
    expect(other.isAnomaly).toBe(true)
    expect(Number.isFinite(other.zScore)).toBe(true)
  })

  test('a series of two values never divides by zero', () => {
    const two = days(100, 56, (dayNo) => (dayNo % 2 === 0 ? 3 : 4))
    expect(Number.isFinite(scoreMetric(scoredDay, 4, two).zScore)).toBe(true)
    expect(scoreMetric(scoredDay, 4, two).isAnomaly).toBe(false)
  })

  test('negative net amounts are scored', () => {
    const past = days(100, 56, (dayNo) => -ordersOn(dayNo))
    expect(scoreMetric(scoredDay, -ordersOn(scoredDay), past).isAnomaly).toBe(false)
    expect(scoreMetric(scoredDay, ordersOn(scoredDay), past).isAnomaly).toBe(true)
  })
})

test('the expected range is where a figure is not flagged', () => {
  const past = days(100, 56, ordersOn)
  const { expected, scale } = scoreMetric(156, 1000, past)
  const range = expectedRange(expected ?? 0, scale ?? 0)
  expect(scoreMetric(156, range.to * 0.999, past).isAnomaly).toBe(false)
  expect(scoreMetric(156, range.to * 1.001, past).isAnomaly).toBe(true)
  expect(scoreMetric(156, range.from * 1.001, past).isAnomaly).toBe(false)
  expect(scoreMetric(156, range.from * 0.999, past).isAnomaly).toBe(true)
})
