-- Lines fall into some thousand cells; the splits add up cells. Orders of one line are counted by
-- their lines, so that only the others have to be told apart.
create unlogged table floor.order_cells as
with

long_orders as materialized (
    select distinct order_id from floor.fact_orders where line_no > 1
),

lines as (
    select
        line.order_date,
        line.order_id,
        line.quantity,
        line.gross_amount,
        coalesce(line.channel, '(unknown)') as channel,
        coalesce(line.region, '(unknown)') as region,
        line.vendor_id,
        coalesce(product.category, '(unknown)') as category,
        coalesce(customer.customer_country, '(unknown)') as country,
        line.status,
        line.currency,
        long_orders.order_id as long_order_id
    from floor.fact_orders as line
    left join long_orders on long_orders.order_id = line.order_id
    left join floor.dim_product as product on product.product_key = line.product_key
    left join floor.dim_user as customer on customer.user_key = line.user_key
)

select
    order_date,
    channel,
    region,
    vendor_id,
    category,
    country,
    status,
    currency,
    long_order_id,
    sum(gross_amount) as amount,
    sum(quantity) as units,
    count(*) as order_lines
from lines
group by order_date, channel, region, vendor_id, category, country, status, currency, long_order_id;

insert into floor.daily_metrics
with

figures as (
    select
        order_date,
        case
            when grouping(channel) = 0 then 'channel'
            when grouping(region) = 0 then 'region'
            when grouping(vendor_id) = 0 then 'vendor'
            when grouping(category) = 0 then 'category'
            when grouping(country) = 0 then 'country'
            when grouping(status) = 0 then 'status'
            when grouping(currency) = 0 then 'currency'
            else 'all'
        end as dimension,
        coalesce(channel, region, vendor_id, category, country, status, currency, 'all') as segment,
        min(order_cells.currency) = max(order_cells.currency) as is_one_currency,
        sum(amount) as gross,
        sum(amount) filter (where order_cells.status = 'paid') as net,
        sum(amount) filter (where order_cells.status = 'cancelled') as cancelled,
        sum(amount) filter (where order_cells.status = 'refunded') as refunded,
        sum(amount) filter (where order_cells.status = 'pending') as pending,
        sum(order_lines) as order_lines,
        sum(units) as units,
        coalesce(sum(order_lines) filter (where long_order_id is null), 0) + count(distinct long_order_id) as orders,
        coalesce(sum(order_lines) filter (where order_cells.status = 'cancelled' and long_order_id is null), 0)
        + count(distinct long_order_id) filter (where order_cells.status = 'cancelled') as cancelled_orders
    from floor.order_cells
    group by
        order_date,
        grouping sets ((), (channel), (region), (vendor_id), (category), (country), (status), (currency))
),

metrics as (
    select
        order_date,
        metric,
        dimension,
        segment,
        case when is_one_currency or not is_amount then coalesce(value, 0) end as value,
        splits
    from figures
    cross join lateral (
        values
        ('gross_revenue', true, gross, array['channel', 'region', 'vendor', 'category', 'country', 'status', 'currency']),
        ('net_revenue', true, net, array['channel', 'region', 'vendor', 'category', 'country', 'currency']),
        ('cancelled_revenue', true, cancelled, '{}'),
        ('refunded_revenue', true, refunded, '{}'),
        ('pending_revenue', true, pending, '{}'),
        ('postage', true, 0, '{}'),
        ('fees', true, 0, '{}'),
        ('other_amounts', true, 0, '{}'),
        ('orders', false, orders, array['channel', 'region', 'vendor', 'category', 'country']),
        ('order_lines', false, order_lines, array['status']),
        ('units', false, units, array['channel', 'region', 'vendor', 'category', 'country']),
        ('cancelled_orders', false, cancelled_orders, '{}'),
        ('orders_without_customer', false, 0, '{}'),
        ('average_order_value', true, round(gross / nullif(orders, 0), 4), '{}')
    ) as figure (metric, is_amount, value, splits)
)

select order_date, metric, dimension, segment, value
from metrics
where dimension = 'all' or dimension = any(splits);

insert into floor.daily_metrics
with

first_dates as (
    select user_id, min(order_date) as first_date, max(order_date) as last_date
    from floor.fact_orders
    group by user_id
),

buyers as (
    select first_date as order_date, true as is_new from first_dates
    union all
    select last_date, false from first_dates where last_date <> first_date
    union all
    select line.order_date, false
    from (
        select distinct user_id, order_date from floor.fact_orders where order_date <> date :'day'
    ) as line
    inner join first_dates on first_dates.user_id = line.user_id
    where line.order_date > first_dates.first_date and line.order_date < first_dates.last_date
),

counts as (
    select order_date, count(*) as customers, count(*) filter (where is_new) as new_customers
    from buyers
    group by order_date
)

select order_date, metric, 'all', 'all', value
from counts
cross join lateral (
    values
    ('customers', customers),
    ('new_customers', new_customers),
    ('returning_customers', customers - new_customers)
) as figure (metric, value);
