-- Orders that this delivery can change: those it names, those it named when it was published before,
-- and those since $3 and $4 whose product or customer has another version now.
-- grain:  shop_id, order_id
-- reads:  staging.order_lines, accepted.order_lines, next.moved_products, next.moved_users, next.dim_user, next.dim_product, warehouse.fact_orders
-- params: $1 load_date, $2 shop_id, $3 products_moved_from, $4 users_moved_from
with

final as (
    select order_line.order_id
    from staging.order_lines as order_line
    where order_line.load_date = $1::date
    union
    select order_line.order_id
    from accepted.order_lines as order_line
    where order_line.load_date = $1::date
    union
    select fact_order.order_id
    from warehouse.fact_orders as fact_order
    inner join next.moved_products as moved
        on fact_order.vendor_id = moved.vendor_id
        and fact_order.product_id = moved.product_id
        and fact_order.order_ts >= moved.moved_from
    inner join next.dim_product as product
        on product.shop_id = $2
        and product.vendor_id = fact_order.vendor_id
        and product.product_id = fact_order.product_id
        and fact_order.order_ts >= product.valid_from
        and fact_order.order_ts < product.valid_to
    where fact_order.shop_id = $2
        and fact_order.order_date >= $3::date
        and fact_order.product_key <> product.product_key
    union
    select fact_order.order_id
    from warehouse.fact_orders as fact_order
    inner join next.moved_users as moved
        on fact_order.user_id = moved.user_id and fact_order.order_ts >= moved.moved_from
    inner join next.dim_user as customer
        on customer.shop_id = $2
        and customer.user_id = fact_order.user_id
        and fact_order.order_ts >= customer.valid_from
        and fact_order.order_ts < customer.valid_to
    where fact_order.shop_id = $2
        and fact_order.order_date >= $4::date
        and fact_order.user_key <> customer.user_key
)

select $2::text as shop_id, order_id from final
