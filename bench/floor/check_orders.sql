-- One pass; false stops the day. The primary key of the facts proves that keys are unique.
select
    count(distinct order_id) between 100 and 500000 as volume,
    sum(quantity * unit_price) > 0 as revenue,
    count(*) filter (where order_date <> date :'day') <= count(*) * 0.5 as freshness,
    bool_and(order_date <= date :'day') as no_future,
    bool_and(status in ('paid', 'cancelled', 'refunded', 'pending')) as status_accepted,
    (select quarantined <= received * 0.05 from floor.loads where source = 'orders') as quarantine
from floor.stage_orders;
