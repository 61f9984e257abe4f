-- Orders that this delivery can change: those it names, those it named when it was published before,
-- and those whose customer or product now has another version at the time of the order.
-- grain:  shop_id, order_id
-- reads:  staging.order_lines, next.dim_user_scope, next.dim_product_scope, warehouse.dim_user, warehouse.dim_product, audit.published_loads
-- params: $1 load_date, $2 shop_id, $3 orders_source
with

earlier_dates as (
    select unnest(business_dates) as business_date
    from audit.published_loads
    where source = $3 and load_date = $1::date
),

final as (
    select order_line.order_id
    from staging.order_lines as order_line
    where order_line.load_date = $1::date
    union
    select fact_order.order_id
    from warehouse.fact_orders as fact_order
    where fact_order.shop_id = $2
        and fact_order.delivery_date = $1::date
        and fact_order.order_date in (select business_date from earlier_dates)
    union
    select fact_order.order_id
    from warehouse.fact_orders as fact_order
    inner join next.dim_product_scope as scope
        on fact_order.vendor_id = scope.vendor_id and fact_order.product_id = scope.product_id
    inner join warehouse.dim_product as product
        on product.shop_id = $2
        and product.vendor_id = fact_order.vendor_id
        and product.product_id = fact_order.product_id
        and fact_order.order_ts >= product.valid_from
        and fact_order.order_ts < product.valid_to
    where fact_order.shop_id = $2 and fact_order.product_key <> product.product_key
    union
    select fact_order.order_id
    from warehouse.fact_orders as fact_order
    inner join next.dim_user_scope as scope on fact_order.user_id = scope.user_id
    inner join warehouse.dim_user as customer
        on customer.shop_id = $2
        and customer.user_id = fact_order.user_id
        and fact_order.order_ts >= customer.valid_from
        and fact_order.order_ts < customer.valid_to
    where fact_order.shop_id = $2 and fact_order.user_key <> customer.user_key
)

select $2::text as shop_id, order_id from final
