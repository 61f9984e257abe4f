import { orderHistoryDays } from '../domain/anomaly.ts'
import { quote } from '../domain/contracts/contract.ts'
import { tablesOfBuild, type Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'
import { publishedDatesSql } from './affected-dates.ts'

/**
 * Select of (shop_id, metric_date): the business dates that a build's scores are made for. Those
 * that it computed figures for, and every later one that has a date in its history on which sale
 * lines or figures really changed: a rerun of the same delivery scores no later day. Where figures are
 * kept as they are published, those of the day's published records. Parameter: shop.
 */
export async function scoredDatesSql(transaction: Transaction, build: Build): Promise<string> {
  const { schema, date } = build
  const { kept } = await tablesOfBuild(transaction, build)
  const ofTheDay = `
    union
    select $1, business_date from (${publishedDatesSql(build)}) as published_date
    union
    select $1, ${quote(date)}::date`
  const lines =
    'shop_id, order_date, order_id, line_no, vendor_id, product_id, quantity, status, line_type'
  const figures = 'shop_id, metric_date, metric, value'
  return `
    with old_lines as (
      select published.* from warehouse.fact_orders published
      join ${schema}.fact_orders_scope using (shop_id, order_id)
      where shop_id = $1
    ),
    old_figures as (
      select published.* from warehouse.daily_metrics published
      join ${schema}.daily_metrics_scope using (shop_id, metric_date)
      where shop_id = $1 and dimension = 'all'
    ),
    new_figures as (
      select * from ${schema}.daily_metrics where shop_id = $1 and dimension = 'all'
    ),
    changed as (
      select order_date as changed_date
      from (${difference(lines, `${schema}.fact_orders`, 'old_lines')}) changed_line
      union
      select metric_date from (${difference(figures, 'new_figures', 'old_figures')}) changed_figure
    )
    select shop_id, metric_date from ${schema}.daily_metrics_scope where shop_id = $1
    ${kept.has('daily_metrics') ? ofTheDay : ''}
    union
    select $1, later.metric_date
    from (
      select distinct metric_date from ${schema}.daily_metrics_next
      where shop_id = $1 and metric_date > (select min(changed_date) from changed)
    ) later
    where exists (
      select from changed
      where later.metric_date > changed_date
        and later.metric_date <= changed_date + ${orderHistoryDays})`
}

function difference(columns: string, one: string, other: string): string {
  const rows = (table: string) => `select ${columns} from ${table}`
  return `(${rows(one)} except all ${rows(other)}) union all (${rows(other)} except all ${rows(one)})`
}
