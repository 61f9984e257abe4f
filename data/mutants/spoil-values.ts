import type { Column } from '../../domain/contracts/contract.ts'
import { categoriesOfFamily } from '../../domain/profile.ts'
import type { Random } from '../generator/random.ts'

/** What a value may be spoilt with: others of its column and of its record. */
export interface ValueContext {
  readonly random: Random
  readonly date: string
  /** Values of the column on the good day, each as often as it occurs. */
  readonly values: readonly unknown[]
  readonly first: unknown
}

export interface ValueSpoiler {
  readonly kind: string
  /** Whole columns are spoilt where half a spoilt column would be no mistake anybody makes. */
  readonly isWholeColumn?: boolean
  readonly fits: (column: Column) => boolean
  readonly spoil: (value: unknown, context: ValueContext) => unknown
}

const isText = (column: Column) => column.type === 'text'
const isNumber = (column: Column) => column.type === 'integer' || column.type === 'money'
const isMoney = (column: Column) => column.type === 'money'
const isTime = (column: Column) => column.type === 'timestamp'
const isKey = (column: Column) => column.isKey === true
const isClosedSet = (column: Column) => column.accepted !== undefined
const always = () => true

const text = (spoil: (value: string) => unknown) => (value: unknown) =>
  typeof value === 'string' && value !== '' ? spoil(value) : value
const number = (spoil: (value: number) => unknown) => (value: unknown) =>
  typeof value === 'number' ? spoil(value) : value

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const moved = (ms: number) =>
  text((value) => new Date(Date.parse(value) + ms).toISOString().replace('.000Z', 'Z'))

const common: readonly ValueSpoiler[] = [
  { kind: 'null', fits: always, spoil: () => null },
  { kind: 'null_column', isWholeColumn: true, fits: always, spoil: () => null },
  { kind: 'blank', fits: always, spoil: () => '  ' },
  { kind: 'constant', isWholeColumn: true, fits: always, spoil: (_, { first }) => first },
]

const ofText: readonly ValueSpoiler[] = [
  { kind: 'padded', fits: isText, spoil: text((value) => ` ${value}  `) },
  { kind: 'trimmed', fits: isText, spoil: text((value) => value.slice(1)) },
  { kind: 'cut_off', fits: isText, spoil: text((value) => value.slice(0, 3)) },
  { kind: 'case_changed', fits: isText, spoil: text(flipCase) },
  { kind: 'mojibake', fits: isText, spoil: text((value) => `${value}Ã©â‚¬`) },
  { kind: 'html', fits: isText, spoil: text((value) => `<b>${value}</b>`) },
  { kind: 'nan_text', fits: isText, spoil: text(() => 'NULL') },
  { kind: 'orphan', fits: isKey, spoil: text((value) => `X${value.slice(1, -3)}ZZZ`) },
  { kind: 'unknown_value', fits: isClosedSet, spoil: text(() => 'something_new') },
]

const ofNumbers: readonly ValueSpoiler[] = [
  { kind: 'no_number', fits: isNumber, spoil: () => 'n/a' },
  {
    kind: 'decimal_comma',
    fits: isMoney,
    spoil: number((value) => String(value).replace('.', ',')),
  },
  { kind: 'thousands', fits: isNumber, spoil: number((value) => `${value},000`) },
  { kind: 'currency_sign', fits: isMoney, spoil: number((value) => `€ ${value}`) },
  { kind: 'times_100', fits: isNumber, spoil: number((value) => value * 100) },
  { kind: 'by_100', fits: isNumber, spoil: number((value) => value / 100) },
  { kind: 'times_1_2', isWholeColumn: true, fits: isMoney, spoil: number((value) => value * 1.2) },
  { kind: 'negative', fits: isNumber, spoil: number((value) => -value) },
  { kind: 'zero', fits: isNumber, spoil: () => 0 },
  { kind: 'too_large', fits: isNumber, spoil: () => 9_000_000_000_000 },
  { kind: 'exponent', fits: isNumber, spoil: number((value) => value.toExponential()) },
]

const ofTimes: readonly ValueSpoiler[] = [
  { kind: 'no_date', fits: isTime, spoil: () => 'yesterday' },
  {
    kind: 'day_first',
    fits: isTime,
    spoil: text((value) => `${value.slice(8, 10)}/${value.slice(5, 7)}/${value.slice(0, 4)}`),
  },
  {
    kind: 'day_month_swapped',
    fits: isTime,
    spoil: text(
      (value) =>
        `${value.slice(0, 4)}-${value.slice(8, 10)}-${value.slice(5, 7)}${value.slice(10)}`,
    ),
  },
  { kind: 'epoch', fits: isTime, spoil: text((value) => Date.parse(value) / 1000) },
  { kind: 'future', fits: isTime, spoil: moved(3650 * dayMs) },
  { kind: 'tomorrow', fits: isTime, spoil: moved(dayMs) },
  { kind: 'stale', fits: isTime, spoil: moved(-400 * dayMs) },
  { kind: 'week_early', fits: isTime, spoil: moved(-7 * dayMs) },
  { kind: 'day_early', isWholeColumn: true, fits: isTime, spoil: moved(-dayMs) },
  { kind: 'zone_shifted', isWholeColumn: true, fits: isTime, spoil: moved(-6 * hourMs) },
  { kind: 'hour_shifted', isWholeColumn: true, fits: isTime, spoil: moved(-hourMs) },
  { kind: 'midnight', fits: isTime, spoil: text((value) => `${value.slice(0, 10)}T00:00:00Z`) },
]

const ofMixes: readonly ValueSpoiler[] = [
  { kind: 'mix_shifted', isWholeColumn: true, fits: isCategory, spoil: towardsRarest },
]

export const valueSpoilers: readonly ValueSpoiler[] = [
  ...common,
  ...ofText,
  ...ofNumbers,
  ...ofTimes,
  ...ofMixes,
]

const categories = new Set(Object.values(categoriesOfFamily).flat())

/** Whether a column splits the records into few kinds. */
export function isCategory(column: Column): boolean {
  return categories.has(column.name)
}

/** Every second value becomes the rarest of its column. */
function towardsRarest(value: unknown, { values, random }: ValueContext): unknown {
  if (random.share() < 0.5) return value
  const counts = new Map<unknown, number>()
  for (const each of values) counts.set(each, (counts.get(each) ?? 0) + 1)
  return [...counts].toSorted(([, one], [, other]) => one - other)[0]?.[0]
}

function flipCase(value: string): string {
  return value === value.toUpperCase() ? value.toLowerCase() : value.toUpperCase()
}
