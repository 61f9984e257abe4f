-- fact_orders: one row an order line; an order is as its latest accepted delivery says, and delivered
-- since it says so: the same again moves nothing. Customer and product are the versions valid when it
-- was ordered.
-- grain:  shop_id, order_id, line_no
-- reads:  staging.order_lines, warehouse.dim_user, warehouse.dim_product, audit.published_loads, next.fact_orders_scope
-- params: $1 load_date, $2 shop_id, $3 orders_source
with

loads as (
    select load_date from audit.published_loads where source = $3
    union
    select $1::date
),

deliveries as (
    select order_line.*
    from staging.order_lines as order_line
    inner join next.fact_orders_scope as scope on order_line.order_id = scope.order_id
    where order_line.load_date in (select load_date from loads)
),

contents as (
    select
        order_id,
        load_date,
        bit_xor(hash_record_extended(row(
            line_no, order_ts, user_id, vendor_id, product_id, quantity, unit_price, currency, status,
            line_type, channel, region, discount_code, is_exact_copy
        ), 0)) as content
    from deliveries
    group by order_id, load_date
),

compared as (
    select
        order_id,
        load_date,
        lag(content) over (partition by order_id order by load_date) is distinct from content as is_news
    from contents
),

latest as (
    select order_id, max(load_date) as load_date
    from compared
    where is_news
    group by order_id
),

final as (
    select
        line.shop_id,
        line.order_id,
        line.line_no,
        line.order_date,
        to_char(line.order_date, 'YYYYMMDD')::integer as date_key,
        line.order_ts,
        coalesce(customer.user_key, 0) as user_key,
        coalesce(product.product_key, 0) as product_key,
        line.user_id,
        line.vendor_id,
        line.product_id,
        line.quantity,
        line.unit_price,
        line.quantity * line.unit_price as gross_amount,
        line.currency,
        line.status,
        line.line_type,
        line.channel,
        line.region,
        line.discount_code,
        line.is_exact_copy,
        line.load_date as delivery_date,
        line.file_id,
        line.record_no
    from deliveries as line
    inner join latest on latest.order_id = line.order_id and latest.load_date = line.load_date
    left join warehouse.dim_user as customer
        on customer.shop_id = $2
        and customer.user_id = line.user_id
        and line.order_ts >= customer.valid_from
        and line.order_ts < customer.valid_to
    left join warehouse.dim_product as product
        on product.shop_id = $2
        and product.vendor_id = line.vendor_id
        and product.product_id = line.product_id
        and line.order_ts >= product.valid_from
        and line.order_ts < product.valid_to
)

select * from final
