import type { Column, Contract } from './contract.ts'

export const orderStatuses = ['paid', 'cancelled', 'refunded', 'pending'] as const
export const eventTypes = [
  'page_view',
  'view_product',
  'add_to_cart',
  'checkout',
  'purchase',
] as const

const latestDeliveryDays = 35
const shopId = 'main'
const defaultVendor = "'SHOPNOW'"

/** The sources of the shop itself; `timeZone` is the zone in which its business days are cut. */
export function sampleShopContracts(timeZone: string) {
  return { orders: orders(timeZone), events: events(timeZone), products: products(timeZone) }
}

function orders(timeZone: string): Contract {
  return {
    source: 'orders',
    version: '1.0.0',
    shopId,
    timeZone,
    format: 'json',
    family: 'order_lines',
    severity: 'critical',
    recordKey: ['order_id'],
    linesField: 'items',
    columns: [
      { name: 'order_id', type: 'text', required: true, isKey: true },
      { name: 'user_id', type: 'text', required: true, isKey: true },
      { name: 'product_id', type: 'text', required: true, isKey: true, isOfLine: true },
      { name: 'vendor_id', type: 'text', isKey: true, defaultSql: defaultVendor },
      {
        name: 'quantity',
        type: 'integer',
        required: true,
        min: 1,
        max: 100_000,
        isOfLine: true,
      },
      {
        name: 'unit_price',
        from: 'price',
        type: 'money',
        required: true,
        above: 0,
        isOfLine: true,
      },
      { name: 'currency', type: 'text', isSegment: true, defaultSql: "'EUR'" },
      { name: 'order_ts', from: 'timestamp', ...timestampRules },
      { name: 'status', type: 'text', required: true, accepted: orderStatuses },
      { name: 'channel', type: 'text', isSegment: true },
      { name: 'region', type: 'text', isSegment: true },
      { name: 'discount_code', type: 'text' },
      { name: 'customer_name', type: 'text' },
      { name: 'customer_email', type: 'text' },
      { name: 'customer_country', type: 'text', isSegment: true },
    ],
    derived: {
      product_name: 'null::text',
      line_type: "'product'",
      order_date: `(order_ts at time zone '${timeZone}')::date`,
      is_exact_copy: 'false',
    },
  }
}

const timestampRules: Omit<Column, 'name' | 'from'> = {
  type: 'timestamp',
  required: true,
  notFuture: true,
  maxAgeDays: latestDeliveryDays,
}

function events(timeZone: string): Contract {
  return {
    source: 'events',
    version: '1.0.0',
    shopId,
    timeZone,
    format: 'csv',
    family: 'events',
    severity: 'critical',
    recordKey: ['event_id'],
    columns: [
      { name: 'event_id', type: 'text', isKey: true, defaultSql: eventHash },
      { name: 'user_id', type: 'text', isKey: true },
      { name: 'product_id', type: 'text', isKey: true, requiredWhen: "event_type <> 'page_view'" },
      { name: 'event_type', type: 'text', required: true, accepted: eventTypes },
      { name: 'event_ts', ...timestampRules },
      { name: 'session_id', type: 'text' },
      { name: 'url', type: 'text' },
      { name: 'user_agent', type: 'text' },
    ],
    derived: { event_date: `(event_ts at time zone '${timeZone}')::date` },
  }
}

/** An event without id is known by its content: the same event delivered twice is one event. */
const eventHash = `md5(concat_ws('|', coalesce(user_id, ''), coalesce(product_id, ''), event_type,
  event_ts__text, coalesce(session_id, ''), coalesce(url, '')))`

function products(timeZone: string): Contract {
  return {
    source: 'products',
    version: '1.0.0',
    shopId,
    timeZone,
    format: 'json',
    family: 'products',
    severity: 'critical',
    recordKey: ['vendor_id', 'product_id', 'effective_ts'],
    columns: [
      { name: 'product_id', type: 'text', required: true, isKey: true },
      { name: 'vendor_id', type: 'text', isKey: true, defaultSql: defaultVendor },
      { name: 'name', type: 'text', required: true },
      { name: 'category', type: 'text', isSegment: true },
      { name: 'price', type: 'money', required: true, above: 0 },
      { name: 'currency', type: 'text', isSegment: true, defaultSql: "'EUR'" },
      {
        name: 'effective_ts',
        from: 'updated_at',
        type: 'timestamp',
        notFuture: true,
        defaultSql: `${catalogueDate}::timestamp at time zone '${timeZone}'`,
      },
    ],
    derived: {},
  }
}

/** A catalogue that does not say since when it holds does so from the date in its file's name. */
const catalogueDate = `(select coalesce(substring(file.path from '\\d{4}-\\d{2}-\\d{2}')::date, load_date)
  from audit.source_files as file where file.file_id = typed.file_id)`
