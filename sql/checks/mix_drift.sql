-- How far the day's mixes have moved from their mean of the 14 published days before it: the population
-- stability index of the mix that moved most. Kinds below half a percent count together. Null while
-- fewer than 7 of those days have such a mix.
-- grain:  one row
-- reads:  audit.delivery_profiles
-- params: $1 load_date, $2 source, $3 mixes
with

today as (
    select
        measure,
        segment,
        value as share
    from audit.delivery_profiles
    where source = $2
        and load_date = $1::date
        and is_candidate
        and kind = 'segment'
        and measure = any($3::text[])
),

days as (
    select distinct load_date
    from audit.delivery_profiles
    where source = $2 and load_date < $1::date and not is_candidate
    order by load_date desc
    limit 14
),

history as (
    select
        measure,
        count(distinct load_date) as history_days
    from audit.delivery_profiles
    where source = $2
        and not is_candidate
        and kind = 'segment'
        and measure = any($3::text[])
        and load_date in (select load_date from days)
    group by measure
    having count(distinct load_date) >= 7
),

usual as (
    select
        profile.measure,
        profile.segment,
        sum(profile.value) / min(history.history_days) as share
    from audit.delivery_profiles as profile
    inner join history on history.measure = profile.measure
    where profile.source = $2
        and not profile.is_candidate
        and profile.kind = 'segment'
        and profile.load_date in (select load_date from days)
    group by profile.measure, profile.segment
),

paired as (
    select
        measure,
        segment,
        coalesce(today.share, 0) as share,
        coalesce(usual.share, 0) as usual_share
    from today
    full join usual using (measure, segment)
    where measure in (select measure from history)
),

pooled as (
    select
        measure,
        sum(share) as share,
        sum(usual_share) as usual_share
    from paired
    group by measure, case when greatest(share, usual_share) < 0.005 then 'other' else ':' || segment end
),

-- A share of 0 has no logarithm.
compared as (
    select
        measure,
        greatest(share, 0.0001) as share,
        greatest(usual_share, 0.0001) as usual_share
    from pooled
),

distances as (
    select
        measure,
        round(sum((share - usual_share) * ln(share / usual_share))::numeric, 4) as distance
    from compared
    group by measure
),

final as (
    select
        distance as measured,
        measure as worst
    from distances
    order by distance desc, measure
    limit 1
)

select * from final
