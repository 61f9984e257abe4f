-- How far the share or level that moved most lies from its median of the 14 published days before, in
-- spreads. Shares are compared as angles (Cohen's effect size h); levels are logarithms already. A spread
-- is 1.4826 times the median deviation of those days: of shares at least 0.02, and with it what chance
-- does to a sample of that size; of lengths at least 0.02, of all other levels 0.05. Null while fewer
-- than 7 of those days have such a measure.
-- grain:  one row
-- reads:  audit.delivery_profiles
-- params: $1 load_date, $2 source, $3 kinds
with

profiles as (
    select
        load_date,
        is_candidate,
        kind,
        measure,
        case when kind = 'share' then 2 * asin(sqrt(least(greatest(value, 0), 1))) else value end as value
    from audit.delivery_profiles
    where source = $2 and kind = any($3::text[]) and load_date <= $1::date
),

sample as (
    select value as records
    from audit.delivery_profiles
    where source = $2 and kind = 'count' and load_date = $1::date and is_candidate
),

days as (
    select distinct load_date
    from profiles
    where load_date < $1::date and not is_candidate
    order by load_date desc
    limit 14
),

past as (
    select
        measure,
        value
    from profiles
    where not is_candidate and load_date in (select load_date from days)
),

medians as (
    select
        measure,
        percentile_cont(0.5) within group (order by value) as value
    from past
    group by measure
    having count(*) >= 7
),

spreads as (
    select
        past.measure,
        1.4826 * percentile_cont(0.5) within group (order by abs(past.value - medians.value)) as spread
    from past
    inner join medians on medians.measure = past.measure
    group by past.measure
),

compared as (
    select
        today.measure,
        abs(today.value - medians.value) as distance,
        case
            when today.kind = 'share'
                then sqrt(1 / (select greatest(records, 1) from sample) + greatest(spreads.spread, 0.02) ^ 2)
            when today.measure like '% length' then greatest(spreads.spread, 0.02)
            else greatest(spreads.spread, 0.05)
        end as spread
    from profiles as today
    inner join medians on medians.measure = today.measure
    inner join spreads on spreads.measure = today.measure
    where today.load_date = $1::date and today.is_candidate
),

final as (
    select
        round((distance / spread)::numeric, 2) as measured,
        measure as worst
    from compared
    order by measured desc, worst asc
    limit 1
)

select * from final
