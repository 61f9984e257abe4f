-- Versions of the customers that orders describe: one sort serves all of it.
create unlogged table floor.described_users as
with

observations as (
    select distinct on (user_id, order_ts)
        user_id,
        order_ts,
        customer_name,
        customer_email,
        customer_country
    from floor.stage_orders
    where num_nonnulls(customer_name, customer_email, customer_country) > 0
    order by user_id, order_ts, place desc, order_id desc, line_no desc
),

compared as (
    select
        *,
        lag(user_id) over by_time is null as is_first,
        lag((customer_name, customer_email, customer_country)) over by_time
            is distinct from (customer_name, customer_email, customer_country) as is_change
    from observations
    window by_time as (partition by user_id order by order_ts)
)

select
    user_id,
    customer_name,
    customer_email,
    customer_country,
    case when is_first then '-infinity' else order_ts end as valid_from,
    lead(order_ts, 1, 'infinity') over (partition by user_id order by order_ts) as valid_to
from compared
where is_first or is_change;

analyze floor.described_users (user_id);
