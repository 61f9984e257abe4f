-- Customers of the day: those described, and those that are only named.
insert into floor.dim_user
select
    row_number() over (),
    members.*
from (
    select
        user_id,
        customer_name,
        customer_email,
        customer_country,
        valid_from,
        valid_to,
        false as is_inferred
    from floor.described_users
    union all
    select named.user_id, null, null, null, '-infinity', 'infinity', true
    from (
        select user_id from floor.event_users
        union
        select user_id from floor.stage_orders
        where num_nonnulls(customer_name, customer_email, customer_country) = 0
    ) as named
    where not exists (select from floor.described_users as described where described.user_id = named.user_id)
) as members;

analyze floor.dim_user (user_id, valid_from, valid_to);
