import type { Family } from './contract.ts'

/** Columns of the staging tables, by family: every source of a family has the same table. */
export const familyColumns: Readonly<Record<Family, Readonly<Record<string, string>>>> = {
  order_lines: {
    shop_id: 'text not null',
    order_id: 'text not null',
    line_no: 'integer not null',
    user_id: 'text',
    vendor_id: 'text not null',
    product_id: 'text not null',
    product_name: 'text',
    quantity: 'integer not null',
    unit_price: 'numeric not null',
    currency: 'text not null',
    status: 'text not null',
    line_type: 'text not null',
    order_ts: 'timestamptz not null',
    order_date: 'date not null',
    channel: 'text',
    region: 'text',
    discount_code: 'text',
    customer_name: 'text',
    customer_email: 'text',
    customer_country: 'text',
    is_exact_copy: 'boolean not null',
  },
  events: {
    shop_id: 'text not null',
    event_id: 'text not null',
    user_id: 'text',
    product_id: 'text',
    event_type: 'text not null',
    event_ts: 'timestamptz not null',
    event_date: 'date not null',
    session_id: 'text',
    url: 'text',
    user_agent: 'text',
  },
  products: {
    shop_id: 'text not null',
    vendor_id: 'text not null',
    product_id: 'text not null',
    name: 'text not null',
    category: 'text',
    price: 'numeric not null',
    currency: 'text not null',
    effective_ts: 'timestamptz not null',
  },
}

/** Columns of every staging table: what the contract does not name, and where the row came from. */
export const lineageColumns: Readonly<Record<string, string>> = {
  extras: 'jsonb',
  load_date: 'date not null',
  file_id: 'bigint not null',
  record_no: 'integer not null',
  /** Rules that the row breaks and that let it load; null for none. */
  broken_rules: 'text[]',
}

/** The column by which later loads find the other deliveries of a row. */
export const familyKey: Readonly<Record<Family, string>> = {
  order_lines: 'order_id',
  events: 'event_id',
  products: 'product_id',
}
