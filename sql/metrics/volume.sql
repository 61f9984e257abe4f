-- daily_metrics of the deliveries of the dates in scope: records of their files by where they went,
-- and failed checks. Only published deliveries and the one of this run count; only checks that follow
-- from the delivery alone, and only of sources that the day has files of, so that the figure is the same
-- in whatever order days are loaded.
-- table:  daily_metrics
-- grain:  shop_id, metric_date, metric, dimension, segment
-- reads:  audit.source_files, audit.loads_left, audit.published_loads, audit.dq_results, next.daily_metrics_scope
-- params: $1 shop_id, $2 load_date, $3 run_id, $4 sources, $5 checks_of_the_day, $6 sources_of_checks
with

loads as (
    select source, load_date, run_id, records_received, records_loaded, records_quarantined, records_duplicate
    from audit.published_loads
    where source = any($4::text[])
        and load_date <> $2::date
        and (source, load_date) not in (
            select loads_left.source, loads_left.load_date from audit.loads_left where loads_left.taken_by = $2::date
        )
    union all
    select
        loads_left.source,
        loads_left.load_date,
        loads.run_id,
        loads_left.records_received,
        loads_left.records_loaded,
        loads_left.records_quarantined,
        loads_left.records_duplicate
    from audit.loads_left
    inner join audit.published_loads as loads
        on loads.source = loads_left.source and loads.load_date = loads_left.load_date
    where loads_left.taken_by = $2::date and loads_left.source = any($4::text[])
    union all
    select
        sources.source,
        $2::date,
        $3::text,
        sum(files.records_received),
        coalesce(sum(files.records_loaded), 0),
        coalesce(sum(files.records_quarantined), 0),
        coalesce(sum(files.records_duplicate), 0)
    from unnest($4::text[]) as sources (source)
    left join audit.source_files as files
        on files.source = sources.source and files.load_date = $2::date and files.state <> 'superseded'
    group by sources.source
),

loads_in_scope as (
    select loads.*
    from loads
    inner join next.daily_metrics_scope as scope
        on scope.shop_id = $1 and scope.metric_date = loads.load_date
),

figures as (
    select
        load_date,
        case when grouping(source) = 0 then 'source' else 'all' end as dimension,
        coalesce(source, 'all') as segment,
        sum(records_received) as records_received,
        sum(records_loaded) as records_loaded,
        sum(records_quarantined) as records_quarantined,
        sum(records_duplicate) as records_duplicate
    from loads_in_scope
    where records_received is not null
    group by grouping sets ((load_date), (load_date, source))
),

failed_checks as (
    select
        loads_in_scope.load_date,
        count(*) filter (where not results.is_passed) as failed_checks
    from loads_in_scope
    inner join unnest($5::text[], $6::text[]) as checks (check_id, source)
        on checks.source = loads_in_scope.source
    inner join audit.dq_results as results
        on results.run_id = loads_in_scope.run_id
            and results.logical_date = loads_in_scope.load_date
            and results.check_id = checks.check_id
    where loads_in_scope.records_received is not null
    group by loads_in_scope.load_date
),

metrics as (
    select
        figures.load_date,
        counts.metric,
        figures.dimension,
        figures.segment,
        counts.value
    from figures
    cross join lateral (
        values
        ('records_received', records_received),
        ('records_loaded', records_loaded),
        ('records_quarantined', records_quarantined),
        ('records_duplicate', records_duplicate)
    ) as counts (metric, value)
    union all
    select load_date, 'failed_checks', 'all', 'all', failed_checks from failed_checks
),

final as (
    select
        $1::text as shop_id,
        load_date as metric_date,
        metric,
        dimension,
        segment,
        value
    from metrics
)

select * from final
