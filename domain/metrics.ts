/**
 * Every figure of warehouse.daily_metrics: what it means and how it is read. How it is computed stands
 * in sql/metrics, one file a family. A date on which nothing happened has no row, not a zero.
 */
export interface Metric {
  readonly id: string
  readonly family: MetricFamily
  /** `currency` is the shop's own; a share is a fraction of 1. */
  readonly unit:
    | 'currency'
    | 'orders'
    | 'lines'
    | 'pieces'
    | 'customers'
    | 'events'
    | 'sessions'
    | 'records'
    | 'checks'
    | 'share'
  readonly kind: 'count' | 'amount' | 'rate'
  readonly words: string
  readonly better: 'higher' | 'lower' | 'neither'
  /** By what the figure is split, besides the figure of the whole shop. */
  readonly dimensions: readonly Dimension[]
}

export const metricFamilies = ['orders', 'customers', 'events', 'volume'] as const
export type MetricFamily = (typeof metricFamilies)[number]

type Dimension =
  | 'channel'
  | 'region'
  | 'vendor'
  | 'category'
  | 'country'
  | 'status'
  | 'currency'
  | 'event_type'
  | 'step'
  | 'source'

const salesDimensions = ['channel', 'region', 'vendor', 'category', 'country'] as const

type Figure = Pick<Metric, 'id' | 'words'> & Partial<Pick<Metric, 'better' | 'dimensions'>>

const family =
  (name: MetricFamily, kind: Metric['kind'], unit: Metric['unit']) =>
  (figure: Figure): Metric => ({
    family: name,
    kind,
    unit,
    better: 'higher',
    dimensions: [],
    ...figure,
  })

const amount = family('orders', 'amount', 'currency')
const rate = family('events', 'rate', 'share')
const customers = family('customers', 'count', 'customers')
const records = family('volume', 'count', 'records')

export const metrics: readonly Metric[] = [
  amount({
    id: 'gross_revenue',
    words: 'product lines ordered, whatever became of them: quantity x unit price',
    dimensions: [...salesDimensions, 'status', 'currency'],
  }),
  amount({
    id: 'net_revenue',
    words: 'paid product lines, less sales taken back on the day',
    dimensions: [...salesDimensions, 'currency'],
  }),
  amount({
    id: 'cancelled_revenue',
    words: 'cancelled product lines, as a positive amount',
    better: 'lower',
  }),
  amount({
    id: 'refunded_revenue',
    words: 'refunded product lines, as a positive amount',
    better: 'lower',
  }),
  amount({ id: 'pending_revenue', words: 'product lines not paid yet', better: 'neither' }),
  amount({ id: 'postage', words: 'postage booked', better: 'neither' }),
  amount({ id: 'fees', words: 'fees booked', better: 'neither' }),
  amount({
    id: 'other_amounts',
    words: 'discounts, vouchers and manual lines booked',
    better: 'neither',
  }),
  amount({ id: 'average_order_value', words: 'gross revenue an order; null without orders' }),
  family(
    'orders',
    'count',
    'orders',
  )({
    id: 'orders',
    words: 'orders with a product line',
    dimensions: salesDimensions,
  }),
  family(
    'orders',
    'count',
    'lines',
  )({
    id: 'order_lines',
    words: 'product lines ordered',
    dimensions: ['status'],
  }),
  family(
    'orders',
    'count',
    'pieces',
  )({
    id: 'units',
    words: 'pieces ordered',
    dimensions: salesDimensions,
  }),
  family(
    'orders',
    'count',
    'orders',
  )({
    id: 'cancelled_orders',
    words: 'orders and invoices that cancel product lines',
    better: 'lower',
  }),
  family(
    'orders',
    'count',
    'orders',
  )({
    id: 'orders_without_customer',
    words: 'orders whose customer is not known',
    better: 'lower',
  }),
  customers({ id: 'customers', words: 'known customers who ordered' }),
  customers({ id: 'new_customers', words: 'customers who ordered for the first time ever' }),
  customers({ id: 'returning_customers', words: 'customers who had ordered on an earlier day' }),
  family(
    'events',
    'count',
    'events',
  )({
    id: 'events',
    words: 'click events',
    dimensions: ['event_type'],
  }),
  family('events', 'count', 'customers')({ id: 'visitors', words: 'known visitors' }),
  rate({ id: 'anonymous_share', words: 'share of events of unknown visitors', better: 'neither' }),
  family(
    'events',
    'count',
    'sessions',
  )({
    id: 'sessions',
    words: 'sessions; by step, those that took it',
    dimensions: ['step'],
  }),
  rate({
    id: 'view_to_cart_rate',
    words: 'of the sessions that view a product, those that fill a cart',
  }),
  rate({
    id: 'cart_to_checkout_rate',
    words: 'of the sessions with a cart, those that go to checkout',
  }),
  rate({
    id: 'checkout_to_purchase_rate',
    words: 'of the sessions at checkout, those that purchase',
  }),
  rate({
    id: 'view_to_purchase_rate',
    words: 'of the sessions that view a product, those that purchase',
  }),
  records({ id: 'records_received', words: 'records delivered', dimensions: ['source'] }),
  records({ id: 'records_loaded', words: 'records loaded', dimensions: ['source'] }),
  records({
    id: 'records_quarantined',
    words: 'records in quarantine',
    better: 'lower',
    dimensions: ['source'],
  }),
  records({
    id: 'records_duplicate',
    words: 'records recognised as duplicates',
    better: 'lower',
    dimensions: ['source'],
  }),
  family(
    'volume',
    'count',
    'checks',
  )({
    id: 'failed_checks',
    words: 'checks of the delivery that did not pass',
    better: 'lower',
  }),
]

/** @throws Error when no such metric is registered */
export function metricNamed(id: string): Metric {
  const found = metrics.find((metric) => metric.id === id)
  if (!found) throw new Error(`No metric ${id}; list it in domain/metrics.ts`)
  return found
}
