-- How far the day's mix of event types has moved from the mean mix of the 14 published days before it:
-- the population stability index; null while fewer than 7 of those days are published.
-- grain:  one row
-- reads:  staging.events, warehouse.daily_metrics, audit.published_loads
-- params: $1 load_date, $2 source, $3 shop_id
with

today as (
    select
        record.event_type as segment,
        count(*) / sum(count(*)) over () as share
    from staging.events as record
    where record.load_date = $1::date
    group by record.event_type
),

days as (
    select load_date
    from audit.published_loads
    where source = $2 and load_date < $1::date
    order by load_date desc
    limit 14
),

shares as (
    select
        metric_date,
        segment,
        value / sum(value) over (partition by metric_date) as share
    from warehouse.daily_metrics
    where shop_id = $3
        and metric = 'events'
        and dimension = 'event_type'
        and metric_date in (select load_date from days)
),

history as (
    select count(distinct metric_date) as history_days from shares
),

baseline as (
    select
        segment,
        sum(share) / (select history_days from history) as share
    from shares
    group by segment
),

-- A share of 0 has no logarithm.
compared as (
    select
        greatest(coalesce(today.share, 0), 0.0001) as share,
        greatest(coalesce(baseline.share, 0), 0.0001) as usual_share
    from today
    full join baseline on today.segment = baseline.segment
),

final as (
    select
        case
            when (select history_days from history) >= 7
                then round(sum((share - usual_share) * ln(share / usual_share)), 4)
        end as measured
    from compared
)

select * from final
