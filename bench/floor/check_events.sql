-- One pass; false stops the day. The primary key of the facts proves that keys are unique.
select
    count(*) between 500 and 2000000 as volume,
    count(*) filter (where event_date <> date :'day') <= count(*) * 0.5 as freshness,
    bool_and(event_date <= date :'day') as no_future,
    bool_and(event_type in ('page_view', 'view_product', 'add_to_cart', 'checkout', 'purchase')) as type_accepted,
    (select quarantined <= received * 0.05 from floor.loads where source = 'events') as quarantine
from floor.stage_events;
