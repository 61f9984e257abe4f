-- The day's loaded records as a multiple of the median of the same weekday in the 8 weeks before, each as
-- it was published: what has been delivered since and is not published yet is no history. Null while
-- fewer than 4 of those days are published with a file.
-- grain:  one row
-- reads:  audit.source_files, audit.published_loads
-- params: $1 load_date, $2 source
with

today as (
    select coalesce(sum(records_loaded), 0) as records
    from audit.source_files
    where source = $2
        and state <> 'superseded'
        and load_date = $1::date
),

usual as (
    select
        count(*) as history_days,
        percentile_cont(0.5) within group (order by records_loaded)::numeric as records
    from audit.published_loads
    where source = $2
        and records_received is not null
        and load_date between $1::date - 56 and $1::date - 1
        and ($1::date - load_date) % 7 = 0
),

final as (
    select
        case
            when usual.history_days >= 4
                then round(today.records / nullif(usual.records, 0), 4)
        end as measured
    from usual
    cross join today
)

select * from final
