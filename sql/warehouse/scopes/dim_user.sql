-- Customers whose versions this delivery can change: unknown ones, ones it describes differently than
-- the version valid at that time, and, when the day was published before, all that it named then.
-- grain:  shop_id, user_id
-- reads:  staging.order_lines, staging.events, warehouse.dim_user, warehouse.fact_orders, warehouse.fact_events
-- params: $1 load_date, $2 shop_id, $3 earlier_order_dates, $4 earlier_event_dates
with

delivered as (
    select
        order_line.user_id,
        order_line.order_ts as named_at,
        order_line.customer_name,
        order_line.customer_email,
        order_line.customer_country
    from staging.order_lines as order_line
    where order_line.load_date = $1::date and order_line.user_id is not null
    union all
    select distinct event.user_id, '-infinity'::timestamptz, null, null, null
    from staging.events as event
    where event.load_date = $1::date and event.user_id is not null
),

changed as (
    select delivered.user_id
    from delivered
    left join warehouse.dim_user as version
        on version.shop_id = $2
        and version.user_id = delivered.user_id
        and delivered.named_at >= version.valid_from
        and delivered.named_at < version.valid_to
    where version.user_key is null
        or (
            num_nonnulls(delivered.customer_name, delivered.customer_email, delivered.customer_country) > 0
            and (delivered.customer_name, delivered.customer_email, delivered.customer_country)
                is distinct from (version.customer_name, version.customer_email, version.customer_country)
        )
),

named_before as (
    select fact_order.user_id
    from warehouse.fact_orders as fact_order
    where fact_order.shop_id = $2
        and fact_order.delivery_date = $1::date
        and fact_order.order_date = any ($3::date[])
    union
    select fact_event.user_id
    from warehouse.fact_events as fact_event
    where fact_event.shop_id = $2
        and fact_event.delivery_date = $1::date
        and fact_event.event_date = any ($4::date[])
),

named_again as (
    select delivered.user_id
    from delivered
    where cardinality($3::date[]) > 0
),

final as (
    select user_id from changed
    union
    select user_id from named_before where user_id is not null
    union
    select user_id from named_again
)

select $2::text as shop_id, user_id from final
