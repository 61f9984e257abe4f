import { quote, type Contract, type Family } from './contracts/contract.ts'
import { familyColumns } from './contracts/families.ts'

/** A sampled number that is compared with its history: `share` of the sample, or a `level`. */
export interface Measure {
  readonly kind: 'count' | 'share' | 'level'
  /** `<column> <what>`, as people read it. */
  readonly name: string
  /** SQL aggregate over the sampled rows; null where nothing can be said. */
  readonly sql: string
}

/** Something by which the sampled rows fall into kinds, whose shares are compared. */
export interface Mix {
  readonly name: string
  /** SQL over a sampled row, of type text. */
  readonly sql: string
}

/** Staged columns that split the records of a family into few kinds. */
export const categoriesOfFamily: Readonly<Record<Family, readonly string[]>> = {
  order_lines: [
    ...['status', 'line_type', 'channel', 'region', 'vendor_id', 'currency'],
    'customer_country',
  ],
  events: ['event_type'],
  products: ['category', 'vendor_id', 'currency'],
}

const keysOfFamily: Readonly<Record<Family, readonly string[]>> = {
  order_lines: ['order_id', 'user_id', 'product_id', 'vendor_id'],
  events: ['event_id', 'user_id', 'product_id', 'session_id'],
  products: ['product_id', 'vendor_id'],
}

const numbersOfFamily: Readonly<Record<Family, readonly string[]>> = {
  order_lines: ['quantity', 'unit_price'],
  events: [],
  products: ['price'],
}

const timeOfFamily: Readonly<Record<Family, string>> = {
  order_lines: 'order_ts',
  events: 'event_ts',
  products: 'effective_ts',
}

/** Records looked at for a profile, about; all of them where there are fewer. */
export const profileSampleSize = 10_000

export function measuresOf({ family, timeZone }: Contract): Measure[] {
  const texts = Object.entries(familyColumns[family])
    .filter(([name, type]) => type.startsWith('text') && name !== 'shop_id')
    .flatMap(([name]) => textMeasures(name))
  const numbers = numbersOfFamily[family].flatMap(numberMeasures)
  return [
    { kind: 'count', name: 'sampled', sql: 'count(*)' },
    ...texts,
    ...numbers,
    ...known(family),
    ...ofTheDay(family, timeZone),
  ]
}

/** Kinds by category, by the hour and age of what happened, and by the length of keys. */
export function mixesOf({ family, timeZone }: Contract): Mix[] {
  return [
    ...categoriesOfFamily[family].map((name) => ({ name, sql: name })),
    ...timeMixes(family, timeZone),
    ...keysOfFamily[family].map((key) => ({
      name: `length of ${key}`,
      sql: `length(${key})::text`,
    })),
  ]
}

function timeMixes(family: Family, timeZone: string): Mix[] {
  const local = localTime(family, timeZone)
  const hour = { name: 'hour', sql: `extract(hour from ${local})::text` }
  // A product's time says since when it is as it is, and lies further back from catalogue to catalogue.
  if (family === 'products') return [hour]
  return [hour, { name: 'days late', sql: `(load_date - ${local}::date)::text` }]
}

function localTime(family: Family, timeZone: string): string {
  return `(${timeOfFamily[family]} at time zone ${quote(timeZone)})`
}

function textMeasures(column: string): Measure[] {
  const share = (what: string, condition: string): Measure => ({
    kind: 'share',
    name: `${column} ${what}`,
    sql: `avg((${condition})::integer)`,
  })
  const level = (what: string, sql: string): Measure => ({
    kind: 'level',
    name: `${column} ${what}`,
    sql: `ln(nullif(${sql}, 0))`,
  })
  return [
    share('missing', `${column} is null`),
    share('with lower case', `${column} <> upper(${column})`),
    share('with odd characters', `${column} ~ '[^ -~]|[<>]|^ | $'`),
    level('length', `avg(length(${column}))`),
    level('variety', `count(distinct ${column})::numeric / nullif(count(${column}), 0)`),
  ]
}

/** On a logarithmic scale, where a factor is a distance. */
function numberMeasures(column: string): Measure[] {
  const over = (aggregate: string) =>
    `${aggregate}(ln(nullif(greatest(${column}, 0), 0)::double precision))`
  return [
    { kind: 'level', name: `${column} level`, sql: over('avg') },
    { kind: 'level', name: `${column} spread`, sql: over('stddev_samp') },
  ]
}

/** How many of the customers have been seen before. */
function known(family: Family): Measure[] {
  if (family === 'products') return []
  const isKnown = `exists (select from warehouse.dim_user as known
    where known.shop_id = sampled.shop_id and known.user_id = sampled.user_id)`
  const sql = `avg((${isKnown})::integer) filter (where user_id is not null)`
  return [{ kind: 'share', name: 'user_id known', sql }]
}

/** How many of the catalogue's products came or changed on its day. */
function ofTheDay(family: Family, timeZone: string): Measure[] {
  if (family !== 'products') return []
  const sql = `avg((${localTime(family, timeZone)}::date = load_date)::integer)`
  return [{ kind: 'share', name: 'effective_ts of the day', sql }]
}
