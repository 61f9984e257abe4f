import { median, medianAbsoluteDeviation } from 'simple-statistics'

/** A day of a metric's past: days since a fixed day, and the figure of that day. */
export interface HistoryDay {
  readonly dayNo: number
  readonly value: number
}

export interface MetricScore {
  readonly state: 'scored' | 'learning' | 'no_data'
  readonly expected: number | null
  readonly scale: number | null
  readonly zScore: number | null
  readonly historyDays: number
  readonly isAnomaly: boolean
}

/** How far back the classic rule looks at a product's orders. */
export const orderHistoryDays = 90
export const metricMethod = 'robust_z_v1'
export const maxHistoryDays = 56
const minHistoryDays = 14
const minSameWeekdays = 4
const maxZ = 3.5
/** Floor against a MAD of 0: two per cent. */
const minScale = 0.02
const sdPerMad = 1.4826

/**
 * Scores a day's figure against its own past: how many robust standard deviations ln(figure) lies
 * from the median of the same weekday. Only the days strictly before, up to 56, are looked at. A day
 * without a figure is `no_data`, never zero; under 14 days of past it is `learning`.
 */
export function scoreMetric(
  dayNo: number,
  value: number | null,
  past: readonly HistoryDay[],
): MetricScore {
  const history = past.filter((day) => day.dayNo < dayNo && day.dayNo >= dayNo - maxHistoryDays)
  const historyDays = history.length
  const unscored = { expected: null, scale: null, zScore: null, historyDays, isAnomaly: false }
  if (value === null) return { state: 'no_data', ...unscored }
  if (historyDays < minHistoryDays) return { state: 'learning', ...unscored }
  const series = history.map((day) => ({ weekday: weekdayOf(day.dayNo), y: toLog(day.value) }))
  const expectedLog = median(baseline(series, weekdayOf(dayNo)))
  const expected = fromLog(expectedLog)
  const scale = Math.max(spreadOf(series), minScale, 1 / Math.sqrt(Math.abs(expected) + 1))
  const zScore = (toLog(value) - expectedLog) / scale
  return {
    state: 'scored',
    expected,
    scale,
    zScore,
    historyDays,
    isAnomaly: Math.abs(zScore) > maxZ,
  }
}

/** The figures between which a day is unsuspicious. */
export function expectedRange(expected: number, scale: number): { from: number; to: number } {
  const middle = toLog(expected)
  return { from: fromLog(middle - maxZ * scale), to: fromLog(middle + maxZ * scale) }
}

interface Point {
  readonly weekday: number
  readonly y: number
}

/** The same weekday's points if there are enough of them, else all. */
function baseline(series: readonly Point[], weekday: number): number[] {
  const sameWeekday = series.filter((point) => point.weekday === weekday)
  const chosen = sameWeekday.length >= minSameWeekdays ? sameWeekday : series
  return chosen.map((point) => point.y)
}

/**
 * The spread of the past days around what the others led one to expect. A day is left out of its own
 * expectation: with 4 to 8 points a weekday the spread would otherwise look too small.
 */
function spreadOf(series: readonly Point[]): number {
  const residuals = series.map((point) => {
    const chosen = baseline(series, point.weekday)
    chosen.splice(chosen.indexOf(point.y), 1)
    return point.y - median(chosen)
  })
  return sdPerMad * medianAbsoluteDeviation(residuals)
}

/** ln(x + 0.5), continued below zero by point reflection at 0, so that net amounts may be negative. */
function toLog(value: number): number {
  if (value >= 0) return Math.log(value + 0.5)
  return 2 * Math.log(0.5) - Math.log(0.5 - value)
}

function fromLog(y: number): number {
  const atZero = Math.log(0.5)
  return y >= atZero ? Math.exp(y) - 0.5 : 0.5 - Math.exp(2 * atZero - y)
}

function weekdayOf(dayNo: number): number {
  return ((dayNo % 7) + 7) % 7
}
