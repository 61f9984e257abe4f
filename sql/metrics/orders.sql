-- daily_metrics of order lines, for the dates in scope that have any. Product lines with a quantity
-- above 0 are sales; a line is booked when it is paid, or takes a sale back (quantity below 0).
-- gross_revenue = net_revenue + cancelled_revenue + refunded_revenue + pending_revenue, always.
-- Amounts of several currencies are not added up: such a sum is null, and right by currency.
-- table:  daily_metrics
-- grain:  shop_id, metric_date, metric, dimension, segment
-- reads:  warehouse.fact_orders, warehouse.dim_product, warehouse.dim_user, next.daily_metrics_scope
-- params: $1 shop_id
with

-- Parts join by key alone: one version each, and key 0 (unknown) keeps its lines.
lines as (
    select
        line.shop_id,
        line.order_date,
        line.order_id,
        line.user_id,
        line.quantity,
        line.gross_amount as amount,
        line.currency,
        line.status,
        line.line_type,
        coalesce(line.channel, '(unknown)') as channel,
        coalesce(line.region, '(unknown)') as region,
        line.vendor_id,
        coalesce(product.category, '(unknown)') as category,
        coalesce(customer.customer_country, '(unknown)') as country,
        line.line_type = 'product' as is_product,
        line.line_type = 'product' and line.quantity > 0 as is_sale,
        line.status = 'paid' or line.quantity < 0 as is_booked
    from warehouse.fact_orders as line
    inner join next.daily_metrics_scope as scope
        on scope.shop_id = line.shop_id and scope.metric_date = line.order_date
    left join warehouse.dim_product as product on product.product_key = line.product_key
    left join warehouse.dim_user as customer on customer.user_key = line.user_key
    where line.shop_id = $1
        and line.order_date >= (select min(metric_date) from next.daily_metrics_scope)
        and line.order_date <= (select max(metric_date) from next.daily_metrics_scope)
),

figures as (
    select
        shop_id,
        order_date as metric_date,
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
        min(lines.currency) = max(lines.currency) as is_one_currency,
        sum(amount) filter (where is_sale) as gross_revenue,
        sum(amount) filter (where is_product and is_booked) as net_revenue,
        sum(abs(amount)) filter (
            where is_product and (status = 'cancelled' or (status = 'paid' and quantity < 0))
        ) as cancelled_revenue,
        sum(abs(amount)) filter (where is_product and status = 'refunded') as refunded_revenue,
        sum(abs(amount)) filter (where is_product and status = 'pending') as pending_revenue,
        sum(amount) filter (where line_type = 'postage' and is_booked) as postage,
        sum(amount) filter (where line_type = 'fee' and is_booked) as fees,
        sum(amount) filter (
            where line_type not in ('product', 'postage', 'fee') and is_booked
        ) as other_amounts,
        count(distinct order_id) filter (where is_sale) as orders,
        count(*) filter (where is_sale) as order_lines,
        sum(quantity) filter (where is_sale) as units,
        count(distinct order_id) filter (where is_product and status = 'cancelled') as cancelled_orders,
        count(distinct order_id) filter (where is_sale and user_id is null) as orders_without_customer
    from lines
    group by grouping sets (
        (shop_id, order_date),
        (shop_id, order_date, channel),
        (shop_id, order_date, region),
        (shop_id, order_date, vendor_id),
        (shop_id, order_date, category),
        (shop_id, order_date, country),
        (shop_id, order_date, status),
        (shop_id, order_date, currency)
    )
),

metrics as (
    select
        figures.shop_id,
        figures.metric_date,
        amounts.metric,
        figures.dimension,
        figures.segment,
        amounts.dimensions,
        case when figures.is_one_currency then coalesce(amounts.value, 0) end as value
    from figures
    cross join lateral (
        values
        ('gross_revenue', gross_revenue, array['all', 'channel', 'region', 'vendor', 'category', 'country', 'status', 'currency']),
        ('net_revenue', net_revenue, array['all', 'channel', 'region', 'vendor', 'category', 'country', 'currency']),
        ('cancelled_revenue', cancelled_revenue, array['all']),
        ('refunded_revenue', refunded_revenue, array['all']),
        ('pending_revenue', pending_revenue, array['all']),
        ('postage', postage, array['all']),
        ('fees', fees, array['all']),
        ('other_amounts', other_amounts, array['all'])
    ) as amounts (metric, value, dimensions)
    union all
    select
        figures.shop_id,
        figures.metric_date,
        counts.metric,
        figures.dimension,
        figures.segment,
        counts.dimensions,
        coalesce(counts.value, 0) as value
    from figures
    cross join lateral (
        values
        ('orders', orders, array['all', 'channel', 'region', 'vendor', 'category', 'country']),
        ('order_lines', order_lines, array['all', 'status']),
        ('units', units, array['all', 'channel', 'region', 'vendor', 'category', 'country']),
        ('cancelled_orders', cancelled_orders, array['all']),
        ('orders_without_customer', orders_without_customer, array['all'])
    ) as counts (metric, value, dimensions)
    union all
    select
        shop_id,
        metric_date,
        'average_order_value' as metric,
        dimension,
        segment,
        array['all'] as dimensions,
        case when is_one_currency then round(gross_revenue / nullif(orders, 0), 4) end as value
    from figures
),

final as (
    select
        shop_id,
        metric_date,
        metric,
        dimension,
        segment,
        value
    from metrics
    where dimension = any(dimensions)
)

select * from final
