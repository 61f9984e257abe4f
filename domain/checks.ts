import { allContracts } from './contracts/all-contracts.ts'
import { quote, type Contract, type Family } from './contracts/contract.ts'
import { eventTypes, orderStatuses } from './contracts/sample-shop.ts'
import { learnedChecks } from './checks-learned.ts'
import { stagingTable } from './contracts/tables.ts'
import {
  critical,
  everyRecord,
  inSet,
  lenientRuleChecks,
  noRecord,
  shareOfRecords,
  sourceChecks,
  uniqueKey,
  warn,
  type Check,
} from './checks-kinds.ts'

/** Kinds of order lines; only `product` lines are sales. */
export const lineTypes = [
  'product',
  'postage',
  'fee',
  'discount',
  'sample',
  'voucher',
  'manual',
  'stock_correction',
] as const

interface Volume {
  readonly measure: string
  readonly min: number
  readonly max: number
  readonly words: string
}

const orderVolume: Volume = {
  measure: 'count(distinct order_id)',
  min: 100,
  max: 500_000,
  words: 'orders of the day',
}

/** Volumes of a day by family; a source whose days are different says so by name. */
const volumeOfFamily: Readonly<Record<Family, Volume>> = {
  order_lines: orderVolume,
  events: { measure: 'count(*)', min: 500, max: 2_000_000, words: 'events of the day' },
  products: { measure: 'count(*)', min: 1, max: 5_000_000, words: 'products listed' },
}
const volumeOfSource: Readonly<Record<string, Volume>> = {
  online_retail: { measure: 'count(*)', min: 50, max: 100_000, words: 'order lines of the day' },
}

/** A day of a source that need not deliver every day is checked only when it delivered. */
export function isOptional(contract: Contract): boolean {
  return contract.family === 'products'
}

/** All checks of a source's day, in the order in which they are reported; ids start with its name. */
export function checksOf(contract: Contract): Check[] {
  const volume = volumeOfSource[contract.source] ?? volumeOfFamily[contract.family]
  const checks = [
    volumeCheck(volume),
    ...sourceChecks(contract),
    ...lenientRuleChecks(contract),
    ...familyChecks[contract.family],
    ...learnedChecks(contract),
    ...catalogueChecks(contract),
  ]
  return checks.map((check) => ({ ...check, id: `${contract.source}_${check.id}` }))
}

/** The checks whose outcome follows from the day's delivery alone, whatever else is loaded. */
export function checksOfTheDay(
  contracts: readonly Contract[],
): { readonly id: string; readonly source: string }[] {
  return contracts.flatMap((contract) =>
    checksOf(contract)
      .filter((check) => !check.needsHistory)
      .map(({ id }) => ({ id, source: contract.source })),
  )
}

function volumeCheck({ measure, min, max, words }: Volume): Check {
  return everyRecord({ id: 'volume', severity: critical, measure, unit: 'count', min, max, words })
}

const isSaleLine = `line_type = 'product' and quantity > 0`

const orderChecks: readonly Check[] = [
  uniqueKey(['order_id', 'line_no']),
  everyRecord({
    id: 'revenue',
    severity: critical,
    measure: `coalesce(sum(quantity * unit_price) filter (where ${isSaleLine}), 0)`,
    unit: 'amount',
    above: 0,
    words: 'revenue of the sale lines',
  }),
  noRecord(
    'no_future',
    critical,
    'order_date > load_date',
    'lines dated after their delivery',
    'order_ts',
  ),
  noRecord(
    'status_accepted',
    critical,
    `not ${inSet('status', orderStatuses)}`,
    'lines of unknown status',
    'status',
  ),
  noRecord(
    'line_type_accepted',
    critical,
    `not ${inSet('line_type', lineTypes)}`,
    'lines of unknown type',
    'line_type',
  ),
  shareOfRecords('freshness', critical, 'order_date <> load_date', 0.5, 'lines of other days'),
  shareOfRecords('customer_null_share', warn, 'user_id is null', 0.4, 'lines without a customer'),
  everyRecord({
    id: 'one_currency',
    severity: warn,
    measure: 'count(distinct currency)',
    unit: 'count',
    max: 1,
    words: 'currencies of the day; amounts of several are not added up',
  }),
  shareOfRecords('exact_copies', warn, 'is_exact_copy', 0.02, 'lines that copy an earlier line'),
]

const eventChecks: readonly Check[] = [
  uniqueKey(['event_id']),
  noRecord(
    'no_future',
    critical,
    'event_date > load_date',
    'events dated after their delivery',
    'event_ts',
  ),
  noRecord(
    'type_accepted',
    critical,
    `not ${inSet('event_type', eventTypes)}`,
    'events of unknown type',
    'event_type',
  ),
  shareOfRecords('freshness', critical, 'event_date <> load_date', 0.5, 'events of other days'),
  shareOfRecords('anonymous_share', warn, 'user_id is null', 0.6, 'events of unknown visitors'),
]

const productChecks: readonly Check[] = [
  uniqueKey(['vendor_id', 'product_id', 'effective_ts']),
  noRecord('price_positive', critical, 'price <= 0', 'products without a price', 'price'),
]

const familyChecks: Readonly<Record<Family, readonly Check[]>> = {
  order_lines: orderChecks,
  events: eventChecks,
  products: productChecks,
}

/** The catalogue of a source's shop, and the columns by which the source names its products. */
export function catalogueReference(
  contract: Contract,
): { readonly catalogue: Contract; readonly columns: readonly string[] } | null {
  const catalogue = allContracts().find(
    ({ family, shopId }) => family === 'products' && shopId === contract.shopId,
  )
  if (!catalogue || contract.family === 'products') return null
  // An event names no vendor.
  const columns = contract.family === 'events' ? ['product_id'] : ['vendor_id', 'product_id']
  return { catalogue, columns }
}

/** Facts never wait for a catalogue (unknown products become inferred members), so this only warns. */
function catalogueChecks(contract: Contract): Check[] {
  const reference = catalogueReference(contract)
  if (!reference) return []
  const key = reference.columns.join(', ')
  const unknown = `product_id is not null and (${key}) not in (
    select ${key} from warehouse.dim_product
    where shop_id = ${quote(contract.shopId)} and not is_inferred
    union all
    select ${key} from ${stagingTable(reference.catalogue)} where load_date = $1)`
  const words = 'records of products that no catalogue lists yet'
  const check = shareOfRecords('known_products', warn, unknown, 0.01, words, 'product_id')
  return [{ ...check, needsHistory: true }]
}
