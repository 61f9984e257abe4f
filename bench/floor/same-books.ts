import type { Database } from '../../platform/database.ts'

/** What both sides say of a table: equal figures and an equal sum of hashes of all its rows. */
interface Figures {
  readonly rows: number
  readonly sum: string | null
  readonly digest: string | null
}

const facts = { fact_orders: ordersSql, fact_events: eventsSql }

/**
 * Compares what the floor has booked with what Daybook has published of the same files in the same
 * database: every fact with what its customer and product are, and every metric.
 * @throws Error naming what differs
 */
export async function requireSameBooks(database: Database): Promise<void> {
  for (const [table, sql] of Object.entries(facts)) {
    const [floor, daybook] = [
      await figuresOf(database, sql('floor')),
      await figuresOf(database, sql('warehouse')),
    ]
    if (JSON.stringify(floor) !== JSON.stringify(daybook)) {
      throw new Error(
        `${table} differs: ${JSON.stringify(floor)} by hand, ${JSON.stringify(daybook)} by Daybook`,
      )
    }
    if (floor.rows === 0) throw new Error(`${table} is empty`)
  }
  const { rows } = await database.query<object>(metricsSql)
  if (rows.length > 0) throw new Error(`daily_metrics differ: ${JSON.stringify(rows)}`)
}

async function figuresOf(database: Database, sql: string): Promise<Figures> {
  const { rows } = await database.query<Figures>(sql)
  return rows[0] ?? { rows: 0, sum: null, digest: null }
}

const customer = 'customer.customer_name, customer.customer_email, customer.customer_country'

/** Key 0 stands for nobody and nothing, in Daybook as a row of its own. */
function joins(schema: string): string {
  return `left join ${schema}.dim_user as customer
      on customer.user_key = fact.user_key and fact.user_key <> 0
    left join ${schema}.dim_product as product
      on product.product_key = fact.product_key and fact.product_key <> 0`
}

function ordersSql(schema: string): string {
  return `select count(*) as rows, sum(gross_amount)::text as sum,
      sum(hash_record_extended(row(fact.order_id, fact.line_no, fact.order_date, fact.order_ts,
        fact.user_id, fact.vendor_id, fact.product_id, fact.quantity, fact.unit_price,
        fact.gross_amount, fact.currency, fact.status, fact.channel, fact.region,
        fact.discount_code, fact.delivery_date, ${customer}, customer.is_inferred, product.vendor_id,
        product.name, product.category, product.price, product.is_inferred), 0)::numeric)::text as digest
    from ${schema}.fact_orders as fact ${joins(schema)}`
}

function eventsSql(schema: string): string {
  return `select count(*) as rows, count(distinct fact.session_id)::text as sum,
      sum(hash_record_extended(row(fact.event_id, fact.event_date, fact.event_ts, fact.user_id,
        fact.product_id, fact.event_type, fact.session_id, fact.url, fact.delivery_date,
        ${customer}, customer.is_inferred, product.vendor_id, product.name, product.category,
        product.price, product.is_inferred), 0)::numeric)::text as digest
    from ${schema}.fact_events as fact ${joins(schema)}`
}

/** Failed checks are what Daybook alone counts. */
const metricsSql = `
  select metric_date, metric, dimension, segment, floor.value as by_hand, daybook.value as by_daybook
  from floor.daily_metrics as floor
  full join (select * from warehouse.daily_metrics where metric <> 'failed_checks') as daybook
    using (metric_date, metric, dimension, segment)
  where floor.metric is null or daybook.metric is null or floor.value is distinct from daybook.value
  order by metric_date, metric, dimension, segment
  limit 10`
