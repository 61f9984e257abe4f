-- daily_metrics of customers, for the dates in scope that have order lines. A customer is new on the
-- business date of the first sale line ever booked for him, in whatever order days were loaded.
-- table:  daily_metrics
-- grain:  shop_id, metric_date, metric, dimension, segment
-- reads:  warehouse.fact_orders, next.daily_metrics_scope
-- params: $1 shop_id
with

buyers as (
    select distinct
        line.order_date,
        case when line.line_type = 'product' and line.quantity > 0 then line.user_id end as user_id
    from warehouse.fact_orders as line
    inner join next.daily_metrics_scope as scope
        on scope.shop_id = line.shop_id and scope.metric_date = line.order_date
    where line.shop_id = $1
        and line.order_date >= (select min(metric_date) from next.daily_metrics_scope)
        and line.order_date <= (select max(metric_date) from next.daily_metrics_scope)
),

first_orders as (
    select
        line.user_id,
        min(line.order_date) as first_date
    from warehouse.fact_orders as line
    where line.shop_id = $1
        and line.line_type = 'product'
        and line.quantity > 0
        and line.user_id in (select buyers.user_id from buyers)
    group by line.user_id
),

figures as (
    select
        buyers.order_date as metric_date,
        count(buyers.user_id) as customers,
        count(buyers.user_id) filter (where first_orders.first_date = buyers.order_date) as new_customers,
        count(buyers.user_id) filter (where first_orders.first_date < buyers.order_date) as returning_customers
    from buyers
    left join first_orders on first_orders.user_id = buyers.user_id
    group by buyers.order_date
),

final as (
    select
        $1::text as shop_id,
        figures.metric_date,
        counts.metric,
        'all' as dimension,
        'all' as segment,
        counts.value
    from figures
    cross join lateral (
        values
        ('customers', customers),
        ('new_customers', new_customers),
        ('returning_customers', returning_customers)
    ) as counts (metric, value)
)

select * from final
