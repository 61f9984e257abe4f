-- order_anomalies: order lines with an unusual quantity for their product, by the classic rule.
-- A line is flagged when its quantity > median + 2 sample standard deviations of its product's sale
-- lines of the days strictly before its business date, so that it is never in its own baseline.
-- A null standard deviation counts as 0; under 5 orders of history nothing is judged.
-- grain: shop_id, order_id, line_no
-- reads: warehouse.fact_orders, next.metric_scores_scope
-- params: $1 shop_id, $2 history_days
with

scored_dates as (
    select distinct metric_date as scored_date
    from next.metric_scores_scope
    where shop_id = $1
),

bounds as (
    select
        min(scored_date) - $2::integer as first_date,
        max(scored_date) as last_date
    from scored_dates
),

sale_lines as (
    select fact_orders.*
    from warehouse.fact_orders as fact_orders
    where shop_id = $1
        and order_date >= (select bounds.first_date from bounds)
        and order_date <= (select bounds.last_date from bounds)
        and line_type = 'product'
        and quantity > 0
        and status in ('paid', 'pending')
),

scored_lines as (
    select sale_lines.*
    from sale_lines
    inner join scored_dates on scored_dates.scored_date = sale_lines.order_date
),

scored_products as (
    select distinct
        order_date,
        vendor_id,
        product_id
    from scored_lines
),

baselines as (
    select
        scored_products.order_date,
        scored_products.vendor_id,
        scored_products.product_id,
        count(distinct history.order_id)::integer as history_orders,
        (percentile_cont(0.5) within group (order by history.quantity))::numeric as median_qty,
        coalesce(round(stddev_samp(history.quantity), 6), 0) as std_deviation
    from scored_products
    inner join sale_lines as history
        on history.vendor_id = scored_products.vendor_id
        and history.product_id = scored_products.product_id
        and history.order_date < scored_products.order_date
        and history.order_date >= scored_products.order_date - $2::integer
    group by
        scored_products.order_date,
        scored_products.vendor_id,
        scored_products.product_id
    having count(distinct history.order_id) >= 5
),

final as (
    select
        -- 53 bits: the id stays exact in JavaScript and JSON.
        hashtextextended(
            jsonb_build_array(scored_lines.shop_id, scored_lines.order_id, scored_lines.line_no)::text, 0
        ) & 9007199254740991 as anomaly_id,
        scored_lines.shop_id,
        scored_lines.order_id,
        scored_lines.line_no,
        scored_lines.order_date,
        scored_lines.vendor_id,
        scored_lines.product_id as stock_code,
        scored_lines.quantity,
        baselines.median_qty,
        baselines.std_deviation,
        round((scored_lines.quantity - baselines.median_qty) / nullif(baselines.std_deviation, 0), 4) as z_score,
        baselines.history_orders,
        baselines.median_qty + 2 * baselines.std_deviation as threshold_qty,
        -- The end of the data interval of the run that delivered the line.
        (scored_lines.delivery_date + 1)::timestamp at time zone 'UTC' as alert_timestamp
    from scored_lines
    inner join baselines
        on baselines.order_date = scored_lines.order_date
        and baselines.vendor_id = scored_lines.vendor_id
        and baselines.product_id = scored_lines.product_id
    where scored_lines.quantity > baselines.median_qty + 2 * baselines.std_deviation
)

select * from final
