import type { Bounds, Check, Unit } from './checks-kinds.ts'
import type { Severity } from './severity.ts'

/** What a check found on a day, in words for people. */
export interface CheckResult {
  readonly id: string
  readonly table: string
  readonly severity: Severity
  readonly isPassed: boolean
  readonly expected: string
  readonly actual: string
  readonly failedRows: number
}

export interface Measured {
  /** Null when there was nothing to measure. */
  readonly value: string | null
  readonly failedRows: number
  /** Which of several things the number is about. */
  readonly worst?: string | null
}

/**
 * A check without a number passes: an empty day fails by its volume, not by each share of nothing. So
 * does one of severity info: its number is kept, and that is all.
 */
export function verdictOf(check: Check, table: string, measured: Measured): CheckResult {
  const { id, severity } = check
  return {
    id,
    table,
    severity,
    isPassed:
      severity === 'info' || measured.value === null || isWithin(check, Number(measured.value)),
    expected: `${boundsText(check)} ${check.words}`,
    actual: actualText(check, measured.value),
    failedRows: measured.failedRows,
  }
}

export function isWithin({ min, max, above }: Bounds, value: number): boolean {
  if (min !== undefined && value < min) return false
  if (max !== undefined && value > max) return false
  return above === undefined || value > above
}

/** One sentence for a run that stops here: every failed check that stops it, and what to do. */
export function failureMessage(
  date: string,
  failed: readonly CheckResult[],
  remedy = 'Correct the delivery, then run the day again.',
): string {
  const checks = failed.map(
    (check) => `${check.id} of ${check.table}: expected ${check.expected}, found ${check.actual}`,
  )
  const kind = failed.every(({ severity }) => severity === 'critical') ? 'critical check' : 'check'
  const count = failed.length === 1 ? `1 ${kind}` : `${failed.length} ${kind}s`
  return (
    `${count} of ${date} failed. ${checks.join('; ')}. Nothing of this delivery was published: ` +
    `readers keep the figures they have. ${remedy}`
  )
}

/** The bounds in words, as `at most 5%`. */
export function boundsText({ min, max, above, unit }: Check): string {
  if (above !== undefined) return `more than ${numberText(unit, above)}`
  if (min !== undefined && max !== undefined) {
    return `${numberText(unit, min)} to ${numberText(unit, max)}`
  }
  if (max === 0) return 'no'
  return max === undefined
    ? `at least ${numberText(unit, min ?? 0)}`
    : `at most ${numberText(unit, max)}`
}

function actualText(check: Check, value: string | null): string {
  if (value !== null) return numberText(check.unit, Number(value))
  return check.needsHistory ? 'learning: too few days before' : 'no records'
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 4 })
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 })

function numberText(unit: Unit, value: number): string {
  return unit === 'share' ? percent.format(value) : grouped.format(value)
}
