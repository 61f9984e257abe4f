import { isRejecting, severities, type Severity } from '../severity.ts'
import type { CheckData, ColumnData, ContractData, RuleData } from './contract-data.ts'
import type { Change } from './diff.ts'
import type { Effect } from './version.ts'

type Direction = 'added' | 'removed' | 'tightened' | 'loosened' | 'changed' | 'reworded'

/** Whether it rejects a record, or holds or stops a day; a rule that names no severity rejects. */
export function isEnforced({ severity = 'error' }: { readonly severity?: Severity }): boolean {
  return isRejecting(severity)
}

function effectOf(direction: Direction, isEnforcedEver: boolean): Effect {
  if (!isEnforcedEver || direction === 'reworded') return 'harmless'
  return direction === 'removed' || direction === 'loosened' ? 'widening' : 'breaking'
}

/** Rules of columns that both have; those of other columns come and go with them. */
export function diffRules(before: ContractData, now: ContractData): Change[] {
  return now.columns.flatMap((column) => {
    const older = before.columns.find(({ name }) => name === column.name)
    if (!older) return []
    const rulesOf = ({ rules }: ContractData) => rules.filter((rule) => rule.column === column.name)
    return compareAll(rulesOf(before), rulesOf(now), (was, is) =>
      ruleDirection(was, is, { before: older, now: column }),
    ).map(({ id, direction, was, is }) => ({
      effect: effectOf(
        direction,
        [was, is].some((rule) => rule && isEnforced(rule)),
      ),
      what: `rule ${id}`,
      kind: direction,
      column: column.name,
      before: was ? ruleInWords(was) : null,
      now: is ? ruleInWords(is) : null,
    }))
  })
}

export function diffChecks(before: readonly CheckData[], now: readonly CheckData[]): Change[] {
  return compareAll(before, now, checkDirection).map(({ id, direction, was, is }) => ({
    effect: effectOf(
      direction,
      [was, is].some((check) => check && isEnforced(check)),
    ),
    what: `check ${id}`,
    kind: direction,
    column: null,
    before: was ? checkInWords(was) : null,
    now: is ? checkInWords(is) : null,
  }))
}

interface Compared<Item> {
  readonly id: string
  readonly direction: Direction
  readonly was: Item | undefined
  readonly is: Item | undefined
}

function compareAll<Item extends { readonly id: string }>(
  before: readonly Item[],
  now: readonly Item[],
  directionOf: (was: Item, is: Item) => Direction | undefined,
): Compared<Item>[] {
  const ids = [...new Set([...before, ...now].map(({ id }) => id))]
  return ids.flatMap((id) => {
    const was = before.find((item) => item.id === id)
    const is = now.find((item) => item.id === id)
    const direction = !was ? 'added' : !is ? 'removed' : directionOf(was, is)
    return direction ? [{ id, direction, was, is }] : []
  })
}

interface Columns {
  readonly before: ColumnData
  readonly now: ColumnData
}

function ruleDirection(was: RuleData, is: RuleData, columns: Columns): Direction | undefined {
  const names = differing(was, is)
  if (names.length === 0) return undefined
  const known = ['isBroken', 'expected', 'severity']
  if (names.some((name) => !known.includes(name))) return 'changed'
  const bySeverity = severityDirection(was.severity ?? 'error', is.severity ?? 'error')
  if (!names.includes('isBroken')) return bySeverity ?? 'reworded'
  return together(bySeverity, limitDirection(was, is, columns) ?? 'changed')
}

function differing(was: Readonly<Record<string, unknown>>, is: Readonly<Record<string, unknown>>) {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])]
  return names.filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]))
}

/** How a limit moved; undefined when the conditions cannot be compared. */
function limitDirection(was: RuleData, is: RuleData, columns: Columns): Direction | undefined {
  const { before, now } = columns
  switch (is.id.slice(now.name.length + 1)) {
    case 'min':
      return byLowerBound(before, now)
    case 'max':
      return byUpperBound(before, now)
    case 'not_too_old':
      return byNumber(before.maxAgeDays, now.maxAgeDays)
    case 'length':
      return byNumber(lastNumber(was.isBroken), lastNumber(is.isBroken))
    case 'accepted':
      return bySet(before.accepted ?? [], now.accepted ?? [])
    case 'required':
      return now.required === true ? 'tightened' : before.required === true ? 'loosened' : undefined
    default:
      return undefined
  }
}

interface Limits {
  readonly min?: number
  readonly max?: number
  readonly above?: number
}

function byUpperBound({ max: was = Infinity }: Limits, { max: is = Infinity }: Limits) {
  return byNumber(was, is)
}

/** A bound that must be exceeded is the tighter of two that are equal. */
function byLowerBound(before: Limits, now: Limits): Direction | undefined {
  const bound = ({ min, above }: Limits) => above ?? min ?? -Infinity
  const equals = ({ above }: Limits) => (above === undefined ? 1 : 0)
  return byNumber(-bound(before), -bound(now)) ?? byNumber(equals(before), equals(now))
}

function lastNumber(sql: string): number | undefined {
  const found = /(\d+)\D*$/.exec(sql)?.[1]
  return found === undefined ? undefined : Number(found)
}

/** A greater limit is looser. */
function byNumber(before: number | undefined, now: number | undefined): Direction | undefined {
  if (before === undefined || now === undefined || before === now) return undefined
  return now < before ? 'tightened' : 'loosened'
}

function bySet(before: readonly string[], now: readonly string[]): Direction {
  const isLost = before.some((value) => !now.includes(value))
  const isGained = now.some((value) => !before.includes(value))
  if (isLost && isGained) return 'changed'
  return isLost ? 'tightened' : 'loosened'
}

function severityDirection(before: Severity, now: Severity): Direction | undefined {
  return byNumber(-severities.indexOf(before), -severities.indexOf(now))
}

/** Of two directions; tighter in one way and looser in another is another thing. */
function together(one: Direction | undefined, other: Direction | undefined): Direction | undefined {
  return one === undefined || other === undefined || one === other ? (one ?? other) : 'changed'
}

const limits = ['severity', 'min', 'max', 'above']
/** Properties of a check that say what is shown of it, and change no verdict. */
const shown = ['samples', 'detail', 'failing', 'namesSamples']

function checkDirection(was: CheckData, is: CheckData): Direction | undefined {
  const names = differing(was, is).filter((name) => !shown.includes(name))
  if (names.length === 0) return undefined
  if (names.some((name) => !limits.includes(name) && name !== 'words')) return 'changed'
  if (!names.some((name) => limits.includes(name))) return 'reworded'
  const byBounds = together(byUpperBound(was, is), byLowerBound(was, is))
  return together(severityDirection(was.severity, is.severity), byBounds)
}

function ruleInWords({ expected, severity }: RuleData): string {
  return severity === undefined ? expected : `${expected} (${severity})`
}

function checkInWords({ severity, words, min, max, above }: CheckData): string {
  const bounds = [
    ...(above === undefined ? [] : [`more than ${above}`]),
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ]
  return `${severity}: ${bounds.join(', ')} ${words}`
}
