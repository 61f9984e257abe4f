-- Events that this delivery can change: those it names, those it named when it was published before,
-- and those since $3 and $4 whose product or customer has another version now.
-- grain:  shop_id, event_id
-- reads:  staging.events, accepted.events, next.moved_event_products, next.moved_users, next.dim_user, warehouse.dim_product, warehouse.fact_events
-- params: $1 load_date, $2 shop_id, $3 event_products_moved_from, $4 users_moved_from
with

products as (
    select
        version.*,
        dense_rank() over (
            partition by version.product_id order by version.vendor_id <> 'SHOPNOW', version.vendor_id
        ) as vendor_rank
    from warehouse.dim_product as version
    where version.shop_id = $2
        and version.product_id in (select moved.product_id from next.moved_event_products as moved)
),

final as (
    select event.event_id
    from staging.events as event
    where event.load_date = $1::date
    union
    select event.event_id
    from accepted.events as event
    where event.load_date = $1::date
    union
    select fact_event.event_id
    from warehouse.fact_events as fact_event
    inner join products as product
        on product.product_id = fact_event.product_id
        and product.vendor_rank = 1
        and fact_event.event_ts >= product.valid_from
        and fact_event.event_ts < product.valid_to
    where fact_event.shop_id = $2
        and fact_event.event_date >= $3::date
        and fact_event.product_key <> product.product_key
    union
    select fact_event.event_id
    from warehouse.fact_events as fact_event
    inner join next.moved_users as moved
        on fact_event.user_id = moved.user_id and fact_event.event_ts >= moved.moved_from
    inner join next.dim_user as customer
        on customer.shop_id = $2
        and customer.user_id = fact_event.user_id
        and fact_event.event_ts >= customer.valid_from
        and fact_event.event_ts < customer.valid_to
    where fact_event.shop_id = $2
        and fact_event.event_date >= $4::date
        and fact_event.user_key <> customer.user_key
)

select $2::text as shop_id, event_id from final
