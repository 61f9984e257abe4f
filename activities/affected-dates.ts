import { contractsOfShop } from '../domain/contracts/all-contracts.ts'
import { quote } from '../domain/contracts/contract.ts'
import { tablesOfBuild, type Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'

/**
 * Select of (shop_id, metric_date): the business dates whose figures this build changes. Parameters:
 * shop id, delivery date. Where facts are kept as they are published, the dates of the day's published
 * records are made anew by models that have changed. Tables that the run did not build change nothing.
 */
export async function affectedDatesSql(transaction: Transaction, build: Build): Promise<string> {
  const { made, kept } = await tablesOfBuild(transaction, build)
  const has = (table: string) => made.has(table)
  const parts = [
    'select $2::date as metric_date',
    'select taken_from from audit.taken_over_files where load_date = $2::date',
    ...(kept.has('fact_orders') || kept.has('fact_events') ? [publishedDatesSql(build)] : []),
    ...(has('fact_orders') ? [changedOrders(build)] : []),
    ...(has('fact_events') ? [changedEvents(build)] : []),
    ...(has('fact_orders') && has('dim_product') ? [changedCategories(build)] : []),
    ...(has('fact_orders') && has('dim_user') ? [changedCountries(build)] : []),
  ]
  return `select $1::text as shop_id, metric_date from (${parts.join('\nunion\n')}) dates`
}

/** Select of the business dates of what the build's day has published. */
export function publishedDatesSql({ shopId, date }: Build): string {
  const sources = contractsOfShop(shopId).map(({ source }) => quote(source))
  return `select unnest(business_dates) as business_date from audit.published_loads
    where load_date = ${quote(date)} and source in (${sources.join(', ')})`
}

/**
 * Dates of the orders themselves, and of first orders that move: a customer whose first order moves to
 * another date turns from new to returning, so an earlier day that is loaded later changes later days.
 */
function changedOrders({ schema }: Build): string {
  return `select affected.order_date from (
      with touched as materialized (
        select published.user_id, published.order_date from warehouse.fact_orders published
        join ${schema}.fact_orders_scope using (shop_id, order_id)
      ),
      buyers as materialized (
        select user_id from ${schema}.fact_orders union select user_id from touched
      ),
      past as materialized (
        select user_id, min(order_date) as old_date,
          min(order_date) filter (where scope.order_id is null) as kept_date
        from warehouse.fact_orders published
        left join ${schema}.fact_orders_scope scope using (shop_id, order_id)
        where shop_id = $1 and ${isSale} and user_id in (select user_id from buyers)
        group by user_id
      ),
      built as materialized (
        select user_id, min(order_date) as built_date from ${schema}.fact_orders
        where ${isSale} and user_id is not null group by user_id
      ),
      moved as (
        select old_date, least(kept_date, built_date) as new_date
        from past full join built using (user_id)
        where old_date is distinct from least(kept_date, built_date)
      )
      select order_date from ${schema}.fact_orders
      union select order_date from touched
      union select old_date from moved
      union select new_date from moved
    ) affected
    where affected.order_date is not null`
}

const isSale = `line_type = 'product' and quantity > 0`

function changedEvents({ schema }: Build): string {
  return `select event_date from ${schema}.fact_events
    union
    select published.event_date from warehouse.fact_events published
    join ${schema}.fact_events_scope using (shop_id, event_id)`
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
