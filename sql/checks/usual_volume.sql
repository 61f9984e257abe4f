-- The day's loaded records as a multiple of the median of the same weekday in the 8 weeks before; null
-- while fewer than 4 of those days are published.
-- grain:  one row
-- reads:  audit.source_files, audit.published_loads
-- params: $1 load_date, $2 source
with

daily_volumes as (
    select
        load_date,
        sum(records_loaded) as records
    from audit.source_files
    where source = $2
        and state <> 'superseded'
        and load_date between $1::date - 56 and $1::date
    group by load_date
),

usual as (
    select
        count(*) as history_days,
        percentile_cont(0.5) within group (order by daily_volumes.records)::numeric as records
    from daily_volumes
    inner join audit.published_loads as published
        on published.source = $2 and published.load_date = daily_volumes.load_date
    where daily_volumes.load_date < $1::date
        and ($1::date - daily_volumes.load_date) % 7 = 0
),

final as (
    select
        case
            when usual.history_days >= 4
                then round(coalesce(today.records, 0) / nullif(usual.records, 0), 4)
        end as measured
    from usual
    left join daily_volumes as today on today.load_date = $1::date
)

select * from final
