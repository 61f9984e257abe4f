-- Events that this delivery can change: those it names, those it named when it was published before,
-- and those whose customer or product now has another version at the time of the event.
-- grain:  shop_id, event_id
-- reads:  staging.events, next.dim_user_scope, next.dim_product_scope, warehouse.dim_user, warehouse.dim_product, audit.published_loads
-- params: $1 load_date, $2 shop_id, $3 events_source
with

earlier_dates as (
    select unnest(business_dates) as business_date
    from audit.published_loads
    where source = $3 and load_date = $1::date
),

products as (
    select
        version.*,
        dense_rank() over (
            partition by version.product_id order by version.vendor_id <> 'SHOPNOW', version.vendor_id
        ) as vendor_rank
    from warehouse.dim_product as version
    where version.shop_id = $2
        and version.product_id in (select scope.product_id from next.dim_product_scope as scope)
),

final as (
    select event.event_id
    from staging.events as event
    where event.load_date = $1::date
    union
    select fact_event.event_id
    from warehouse.fact_events as fact_event
    where fact_event.shop_id = $2
        and fact_event.delivery_date = $1::date
        and fact_event.event_date in (select business_date from earlier_dates)
    union
    select fact_event.event_id
    from warehouse.fact_events as fact_event
    inner join products as product
        on product.product_id = fact_event.product_id
        and product.vendor_rank = 1
        and fact_event.event_ts >= product.valid_from
        and fact_event.event_ts < product.valid_to
    where fact_event.shop_id = $2 and fact_event.product_key <> product.product_key
    union
    select fact_event.event_id
    from warehouse.fact_events as fact_event
    inner join next.dim_user_scope as scope on fact_event.user_id = scope.user_id
    inner join warehouse.dim_user as customer
        on customer.shop_id = $2
        and customer.user_id = fact_event.user_id
        and fact_event.event_ts >= customer.valid_from
        and fact_event.event_ts < customer.valid_to
    where fact_event.shop_id = $2 and fact_event.user_key <> customer.user_key
)

select $2::text as shop_id, event_id from final
