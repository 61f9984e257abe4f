-- Events fall into visits, and visits add up to the figures.
create unlogged table floor.visits as
select
    event_date,
    session_id,
    user_id,
    count(*) as events,
    count(*) filter (where event_type = 'page_view') as page_views,
    count(*) filter (where event_type = 'view_product') as views,
    count(*) filter (where event_type = 'add_to_cart') as carts,
    count(*) filter (where event_type = 'checkout') as checkouts,
    count(*) filter (where event_type = 'purchase') as purchases
from floor.fact_events
group by event_date, session_id, user_id;

insert into floor.daily_metrics
with

event_figures as (
    select
        event_date,
        sum(events) as events,
        sum(events) filter (where user_id is null) as anonymous,
        sum(page_views) as page_views,
        sum(views) as views,
        sum(carts) as carts,
        sum(checkouts) as checkouts,
        sum(purchases) as purchases
    from floor.visits
    group by event_date
),

visitors as (
    select event_date, count(*) as visitors
    from (select distinct event_date, user_id from floor.visits where user_id is not null) as seen
    group by event_date
),

sessions as (
    select
        event_date,
        sum(views) > 0 as has_view,
        sum(carts) > 0 as has_cart,
        sum(checkouts) > 0 as has_checkout,
        sum(purchases) > 0 as has_purchase
    from floor.visits
    where session_id is not null
    group by event_date, session_id
),

session_figures as (
    select
        event_date,
        count(*)::numeric as sessions,
        count(*) filter (where has_view)::numeric as views,
        count(*) filter (where has_cart)::numeric as carts,
        count(*) filter (where has_checkout)::numeric as checkouts,
        count(*) filter (where has_purchase)::numeric as purchases,
        count(*) filter (where has_view and has_cart) as views_with_cart,
        count(*) filter (where has_cart and has_checkout) as carts_with_checkout,
        count(*) filter (where has_checkout and has_purchase) as checkouts_with_purchase,
        count(*) filter (where has_view and has_purchase) as views_with_purchase
    from sessions
    group by event_date
)

select event_date, metric, dimension, segment, value
from event_figures
left join visitors using (event_date)
cross join lateral (
    values
    ('events', 'all', 'all', events),
    ('events', 'event_type', 'page_view', nullif(page_views, 0)),
    ('events', 'event_type', 'view_product', nullif(event_figures.views, 0)),
    ('events', 'event_type', 'add_to_cart', nullif(event_figures.carts, 0)),
    ('events', 'event_type', 'checkout', nullif(event_figures.checkouts, 0)),
    ('events', 'event_type', 'purchase', nullif(event_figures.purchases, 0)),
    ('visitors', 'all', 'all', coalesce(visitors, 0)),
    ('anonymous_share', 'all', 'all', round(coalesce(anonymous, 0) / events, 6))
) as figure (metric, dimension, segment, value)
where value is not null
union all
select event_date, metric, dimension, segment, value
from session_figures
cross join lateral (
    values
    ('sessions', 'all', 'all', sessions),
    ('sessions', 'step', 'view', views),
    ('sessions', 'step', 'cart', carts),
    ('sessions', 'step', 'checkout', checkouts),
    ('sessions', 'step', 'purchase', purchases),
    ('view_to_cart_rate', 'all', 'all', round(views_with_cart / nullif(views, 0), 6)),
    ('cart_to_checkout_rate', 'all', 'all', round(carts_with_checkout / nullif(carts, 0), 6)),
    ('checkout_to_purchase_rate', 'all', 'all', round(checkouts_with_purchase / nullif(checkouts, 0), 6)),
    ('view_to_purchase_rate', 'all', 'all', round(views_with_purchase / nullif(views, 0), 6))
) as step (metric, dimension, segment, value);
