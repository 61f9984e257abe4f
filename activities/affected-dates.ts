import type { Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'

/**
 * Select of (shop_id, metric_date): the business dates whose figures this build changes. Parameters:
 * shop id, delivery date. Tables that the run did not build change nothing.
 */
export async function affectedDatesSql(transaction: Transaction, build: Build): Promise<string> {
  const built = await builtTables(transaction, build)
  const has = (table: string) => built.has(table)
  const parts = [
    'select $2::date as metric_date',
    ...(has('fact_orders') ? [changedOrders(build), changedFirstOrders(build)] : []),
    ...(has('fact_events') ? [changedEvents(build)] : []),
    ...(has('fact_orders') && has('dim_product') ? [changedCategories(build)] : []),
    ...(has('fact_orders') && has('dim_user') ? [changedCountries(build)] : []),
  ]
  return `select $1::text as shop_id, metric_date from (${parts.join('\nunion\n')}) dates`
}

async function builtTables(transaction: Transaction, build: Build): Promise<Set<string>> {
  const built = await transaction.query<{ table_name: string }>(
    `select table_name from ${build.schema}.built_from`,
  )
  return new Set(built.rows.map((row) => row.table_name))
}

function changedOrders({ schema }: Build): string {
  return `select order_date from ${schema}.fact_orders
    union
    select published.order_date from warehouse.fact_orders published
    join ${schema}.fact_orders_scope using (shop_id, order_id)`
}

function changedEvents({ schema }: Build): string {
  return `select event_date from ${schema}.fact_events
    union
    select published.event_date from warehouse.fact_events published
    join ${schema}.fact_events_scope using (shop_id, event_id)`
}

/**
 * A customer whose first order moves to another date turns from new to returning on the old one: an
 * earlier day that is loaded later changes later days.
 */
function changedFirstOrders({ schema }: Build): string {
  return `select first_date from (
      with buyers as (
        select user_id from ${schema}.fact_orders
        union
        select published.user_id from warehouse.fact_orders published
        join ${schema}.fact_orders_scope using (shop_id, order_id)
      ),
      before as (${firstOrders('warehouse.fact_orders')}),
      after as (${firstOrders(`${schema}.fact_orders_next`)})
      select before.first_date as old_date, after.first_date as new_date
      from before full join after using (user_id)
      where before.first_date is distinct from after.first_date
    ) moved
    cross join lateral (values (old_date), (new_date)) moves (first_date)
    where first_date is not null`
}

function firstOrders(facts: string): string {
  return `select user_id, min(order_date) as first_date from ${facts}
    where shop_id = $1 and line_type = 'product' and quantity > 0
      and user_id in (select user_id from buyers)
    group by user_id`
}

/** A member that is completed keeps its key and its facts, but moves them to another segment. */
function changedCategories({ schema }: Build): string {
  return `select order_date from ${schema}.fact_orders_next where shop_id = $1 and product_key in (
      select next.product_key from ${schema}.dim_product next
      join warehouse.dim_product published using (product_key)
      where next.category is distinct from published.category)`
}

function changedCountries({ schema }: Build): string {
  return `select order_date from ${schema}.fact_orders_next where shop_id = $1 and user_key in (
      select next.user_key from ${schema}.dim_user next
      join warehouse.dim_user published using (user_key)
      where next.customer_country is distinct from published.customer_country)`
}
