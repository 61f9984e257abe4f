-- One vendor's product of each id, as versions: an event's product.
create unlogged table floor.products_of_events as
select *
from (
    select
        product_id,
        product_key,
        valid_from,
        valid_to,
        dense_rank() over (partition by product_id order by vendor_id <> 'SHOPNOW', vendor_id) as vendor_rank
    from floor.dim_product
) as ranked
where vendor_rank = 1;

analyze floor.products_of_events;

create table floor.fact_events_of_day as
select
    event.event_id,
    event.event_date,
    event.event_ts,
    coalesce(customer.user_key, 0) as user_key,
    coalesce(product.product_key, 0) as product_key,
    event.user_id,
    event.product_id,
    event.event_type,
    event.session_id,
    event.url,
    date :'day' as delivery_date
from floor.stage_events as event
left join floor.dim_user as customer
    on customer.user_id = event.user_id
        and event.event_ts >= customer.valid_from
        and event.event_ts < customer.valid_to
left join floor.products_of_events as product
    on product.product_id = event.product_id
        and event.event_ts >= product.valid_from
        and event.event_ts < product.valid_to
where event.event_date = date :'day';

alter table floor.fact_events_of_day
    add primary key (event_id, event_date),
    add constraint of_day check (event_date >= date :'day' and event_date < date :'day' + 1);

insert into floor.fact_events
select
    event.event_id,
    event.event_date,
    event.event_ts,
    coalesce(customer.user_key, 0),
    coalesce(product.product_key, 0),
    event.user_id,
    event.product_id,
    event.event_type,
    event.session_id,
    event.url,
    date :'day'
from floor.stage_events as event
left join floor.dim_user as customer
    on customer.user_id = event.user_id
        and event.event_ts >= customer.valid_from
        and event.event_ts < customer.valid_to
left join floor.products_of_events as product
    on product.product_id = event.product_id
        and event.event_ts >= product.valid_from
        and event.event_ts < product.valid_to
where event.event_date <> date :'day';

alter table floor.fact_events attach partition floor.fact_events_of_day
    for values from (:'day') to (date :'day' + 1);

analyze floor.fact_events_of_day (event_type, session_id, user_id);
