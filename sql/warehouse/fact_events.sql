-- fact_events: one row a click event, as its latest accepted delivery says, and delivered since it says
-- so. An event names no vendor: its product is the shop's own of that id, else the first vendor's that
-- has it.
-- grain:  shop_id, event_id
-- reads:  staging.events, warehouse.dim_user, warehouse.dim_product, audit.published_loads, next.fact_events_scope
-- params: $1 load_date, $2 shop_id, $3 events_source
with

loads as (
    select load_date from audit.published_loads where source = $3
    union
    select $1::date
),

deliveries as (
    select
        event.*,
        lag((event.event_ts, event.user_id, event.product_id, event.event_type, event.session_id, event.url))
            over by_delivery
        is distinct from
        (event.event_ts, event.user_id, event.product_id, event.event_type, event.session_id, event.url) as is_news
    from staging.events as event
    inner join next.fact_events_scope as scope on event.event_id = scope.event_id
    where event.load_date in (select load_date from loads)
    window by_delivery as (partition by event.event_id order by event.load_date)
),

latest as (
    select distinct on (event_id) *
    from deliveries
    where is_news
    order by event_id, load_date desc
),

products as (
    select
        version.*,
        dense_rank() over (
            partition by version.product_id order by version.vendor_id <> 'SHOPNOW', version.vendor_id
        ) as vendor_rank
    from warehouse.dim_product as version
    where version.shop_id = $2
),

final as (
    select
        event.shop_id,
        event.event_id,
        event.event_date,
        to_char(event.event_date, 'YYYYMMDD')::integer as date_key,
        event.event_ts,
        coalesce(customer.user_key, 0) as user_key,
        coalesce(product.product_key, 0) as product_key,
        event.user_id,
        event.product_id,
        event.event_type,
        event.session_id,
        event.url,
        event.load_date as delivery_date,
        event.file_id,
        event.record_no
    from latest as event
    left join warehouse.dim_user as customer
        on customer.shop_id = $2
        and customer.user_id = event.user_id
        and event.event_ts >= customer.valid_from
        and event.event_ts < customer.valid_to
    left join products as product
        on product.product_id = event.product_id
        and product.vendor_rank = 1
        and event.event_ts >= product.valid_from
        and event.event_ts < product.valid_to
)

select * from final
