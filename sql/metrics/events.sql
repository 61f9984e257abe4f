-- daily_metrics of click events, for the dates in scope that have any. A funnel rate is the share of
-- the day's sessions with one step that also have the next, so it never passes 1; it is null when no
-- session has the first of the two. Events without session count as events only.
-- table:  daily_metrics
-- grain:  shop_id, metric_date, metric, dimension, segment
-- reads:  warehouse.fact_events, next.daily_metrics_scope
-- params: $1 shop_id
with

events as (
    select
        event.event_date,
        event.event_type,
        event.session_id,
        event.user_id
    from warehouse.fact_events as event
    inner join next.daily_metrics_scope as scope
        on scope.shop_id = event.shop_id and scope.metric_date = event.event_date
    where event.shop_id = $1
        and event.event_date >= (select min(metric_date) from next.daily_metrics_scope)
        and event.event_date <= (select max(metric_date) from next.daily_metrics_scope)
),

event_figures as (
    select
        event_date,
        case when grouping(event_type) = 0 then 'event_type' else 'all' end as dimension,
        coalesce(event_type, 'all') as segment,
        count(*) as events,
        count(distinct user_id) as visitors,
        round(count(*) filter (where user_id is null)::numeric / count(*), 6) as anonymous_share
    from events
    group by grouping sets ((event_date), (event_date, event_type))
),

sessions as (
    select
        event_date,
        session_id,
        bool_or(event_type = 'view_product') as has_view,
        bool_or(event_type = 'add_to_cart') as has_cart,
        bool_or(event_type = 'checkout') as has_checkout,
        bool_or(event_type = 'purchase') as has_purchase
    from events
    where session_id is not null
    group by event_date, session_id
),

session_figures as (
    select
        dates.event_date,
        count(sessions.session_id)::numeric as sessions,
        count(*) filter (where has_view)::numeric as views,
        count(*) filter (where has_cart)::numeric as carts,
        count(*) filter (where has_checkout)::numeric as checkouts,
        count(*) filter (where has_purchase)::numeric as purchases,
        count(*) filter (where has_view and has_cart)::numeric as views_with_cart,
        count(*) filter (where has_cart and has_checkout)::numeric as carts_with_checkout,
        count(*) filter (where has_checkout and has_purchase)::numeric as checkouts_with_purchase,
        count(*) filter (where has_view and has_purchase)::numeric as views_with_purchase
    from (select distinct event_date from events) as dates
    left join sessions on sessions.event_date = dates.event_date
    group by dates.event_date
),

metrics as (
    select event_date, 'events' as metric, dimension, segment, events::numeric as value
    from event_figures
    union all
    select
        event_figures.event_date,
        visits.metric,
        'all' as dimension,
        'all' as segment,
        visits.value
    from event_figures
    cross join lateral (
        values
        ('visitors', visitors::numeric),
        ('anonymous_share', anonymous_share)
    ) as visits (metric, value)
    where event_figures.dimension = 'all'
    union all
    select
        session_figures.event_date,
        steps.metric,
        steps.dimension,
        steps.segment,
        steps.value
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
    ) as steps (metric, dimension, segment, value)
),

final as (
    select
        $1::text as shop_id,
        event_date as metric_date,
        metric,
        dimension,
        segment,
        value
    from metrics
)

select * from final
