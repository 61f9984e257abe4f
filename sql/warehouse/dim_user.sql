-- dim_user: all versions of the customers in scope, from what their orders say of them over time.
-- A customer who is only named (by an event, or an order without details) is an inferred member.
-- grain:  shop_id, user_id, valid_from
-- reads:  staging.order_lines, staging.events, audit.published_loads, next.dim_user_scope
-- params: $1 load_date, $2 shop_id, $3 orders_source, $4 events_source
with

order_loads as (
    select load_date from audit.published_loads where source = $3
    union
    select $1::date
),

event_loads as (
    select load_date from audit.published_loads where source = $4
    union
    select $1::date
),

named_by_orders as (
    select
        order_line.user_id,
        order_line.order_ts,
        order_line.customer_name,
        order_line.customer_email,
        order_line.customer_country,
        order_line.load_date,
        order_line.record_no,
        order_line.order_id,
        order_line.line_no
    from staging.order_lines as order_line
    inner join next.dim_user_scope as scope on order_line.user_id = scope.user_id
    where order_line.load_date in (select load_date from order_loads)
),

members as (
    select user_id from named_by_orders
    union
    select event.user_id
    from staging.events as event
    inner join next.dim_user_scope as scope on event.user_id = scope.user_id
    where event.load_date in (select load_date from event_loads)
),

observations as (
    select distinct on (user_id, order_ts)
        user_id,
        order_ts as observed_at,
        customer_name,
        customer_email,
        customer_country
    from named_by_orders
    where num_nonnulls(customer_name, customer_email, customer_country) > 0
    order by user_id, order_ts, load_date desc, record_no desc, order_id desc, line_no desc
),

compared as (
    select
        *,
        row_number() over by_time as observation_no,
        lag((customer_name, customer_email, customer_country)) over by_time
            is distinct from (customer_name, customer_email, customer_country) as is_change
    from observations
    window by_time as (partition by user_id order by observed_at)
),

versions as (
    select
        user_id,
        customer_name,
        customer_email,
        customer_country,
        case when observation_no = 1 then '-infinity' else observed_at end as valid_from,
        lead(observed_at, 1, 'infinity') over (partition by user_id order by observed_at) as valid_to
    from compared
    where observation_no = 1 or is_change
),

final as (
    select
        hashtextextended(concat_ws(chr(31), $2::text, members.user_id,
            extract(epoch from coalesce(versions.valid_from, '-infinity'))), 0) as user_key,
        $2::text as shop_id,
        members.user_id,
        versions.customer_name,
        versions.customer_email,
        versions.customer_country,
        coalesce(versions.valid_from, '-infinity') as valid_from,
        coalesce(versions.valid_to, 'infinity') as valid_to,
        versions.user_id is null as is_inferred
    from members
    left join versions on members.user_id = versions.user_id
)

select * from final
