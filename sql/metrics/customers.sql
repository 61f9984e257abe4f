-- daily_metrics of customers, for the dates in scope that have order lines. A customer is new on the
-- business date of the first sale line ever booked for him, in whatever order days were loaded.
-- table:  daily_metrics
-- grain:  shop_id, metric_date, metric, dimension, segment
-- reads:  warehouse.fact_orders, next.daily_metrics_scope
-- params: $1 shop_id
with

dates as (
    select distinct line.order_date
    from warehouse.fact_orders as line
    inner join next.daily_metrics_scope as scope
        on scope.shop_id = line.shop_id and scope.metric_date = line.order_date
    where line.shop_id = $1
        and line.order_date >= (select min(metric_date) from next.daily_metrics_scope)
        and line.order_date <= (select max(metric_date) from next.daily_metrics_scope)
),

-- One pass over all sales, without a join: how many customers a date has is hard to estimate, and a
-- nested loop over the whole past took 80 times as long.
customers as (
    select
        line.user_id,
        min(line.order_date) as first_date,
        array_agg(line.order_date) filter (
            where line.order_date = any(array(select metric_date from next.daily_metrics_scope))
        ) as order_dates
    from warehouse.fact_orders as line
    where line.shop_id = $1
        and line.line_type = 'product'
        and line.quantity > 0
        and line.user_id is not null
    group by line.user_id
),

buyers as (
    select distinct
        customers.user_id,
        customers.first_date,
        days.order_date
    from customers
    cross join lateral unnest(customers.order_dates) as days (order_date)
),

counts_by_date as (
    select
        order_date,
        count(*) as customers,
        count(*) filter (where first_date = order_date) as new_customers
    from buyers
    group by order_date
),

figures as (
    select
        dates.order_date as metric_date,
        coalesce(counts_by_date.customers, 0) as customers,
        coalesce(counts_by_date.new_customers, 0) as new_customers,
        coalesce(counts_by_date.customers - counts_by_date.new_customers, 0) as returning_customers
    from dates
    left join counts_by_date on counts_by_date.order_date = dates.order_date
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
