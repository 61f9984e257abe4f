-- Customers whose versions this delivery can change: unknown ones, ones it describes differently than
-- the version valid at that time, and, when the day was published before, all that it named then.
-- grain:  shop_id, user_id
-- reads:  staging.order_lines, staging.events, accepted.order_lines, accepted.events, warehouse.dim_user
-- params: $1 load_date, $2 shop_id
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
    select order_line.user_id
    from accepted.order_lines as order_line
    where order_line.load_date = $1::date
    union
    select event.user_id
    from accepted.events as event
    where event.load_date = $1::date
),

final as (
    select user_id from changed
    union
    select user_id from named_before where user_id is not null
)

select $2::text as shop_id, user_id from final
