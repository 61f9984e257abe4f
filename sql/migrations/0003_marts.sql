-- The main figures of a shop's days, one row a date, beside how the run behind them went.
create view marts.daily_overview as
with

figures as (
    select
        shop_id,
        metric_date,
        max(value) filter (where metric = 'gross_revenue') as gross_revenue,
        max(value) filter (where metric = 'net_revenue') as net_revenue,
        max(value) filter (where metric = 'cancelled_revenue') as cancelled_revenue,
        max(value) filter (where metric = 'refunded_revenue') as refunded_revenue,
        max(value) filter (where metric = 'orders') as orders,
        max(value) filter (where metric = 'order_lines') as order_lines,
        max(value) filter (where metric = 'units') as units,
        max(value) filter (where metric = 'average_order_value') as average_order_value,
        max(value) filter (where metric = 'customers') as customers,
        max(value) filter (where metric = 'new_customers') as new_customers,
        max(value) filter (where metric = 'returning_customers') as returning_customers,
        max(value) filter (where metric = 'events') as events,
        max(value) filter (where metric = 'sessions') as sessions,
        max(value) filter (where metric = 'view_to_purchase_rate') as view_to_purchase_rate,
        max(value) filter (where metric = 'records_received') as records_received,
        max(value) filter (where metric = 'records_loaded') as records_loaded,
        max(value) filter (where metric = 'records_quarantined') as records_quarantined,
        max(value) filter (where metric = 'records_duplicate') as records_duplicate
    from warehouse.daily_metrics
    where dimension = 'all'
    group by shop_id, metric_date
),

published as (
    select distinct on (shop_id, logical_date)
        shop_id,
        logical_date,
        run_id,
        published_at
    from audit.publications
    order by shop_id asc, logical_date asc, publication_id desc
)

select
    figures.*,
    published.run_id,
    published.published_at,
    run.seconds as run_seconds,
    (
        select count(*)
        from audit.dq_results as result
        where result.run_id = published.run_id and not result.is_passed
    ) as failed_checks
from figures
left join published
    on published.shop_id = figures.shop_id and published.logical_date = figures.metric_date
left join audit.pipeline_runs as run
    on run.run_id = published.run_id and run.state = 'success';

-- How the latest run of every DAG and date went.
create view marts.pipeline_health as
with

latest as (
    select distinct on (dag_id, logical_date)
        run_id,
        dag_id,
        logical_date,
        state,
        started_at,
        ended_at,
        seconds,
        failed_tasks,
        error,
        count(*) over (partition by dag_id, logical_date) as runs
    from audit.pipeline_runs
    order by dag_id asc, logical_date asc, started_at desc, run_id asc
)

select
    latest.*,
    attempts.attempts,
    attempts.failed_attempts,
    checks.checks,
    checks.warnings,
    checks.critical_failures
from latest
cross join lateral (
    select
        count(*) as attempts,
        count(*) filter (where attempt.state = 'failed') as failed_attempts
    from audit.task_runs as attempt
    where attempt.run_id = latest.run_id
) as attempts
cross join lateral (
    select
        count(*) as checks,
        count(*) filter (where not result.is_passed and result.severity = 'warn') as warnings,
        count(*) filter (where not result.is_passed and result.severity = 'critical') as critical_failures
    from audit.dq_results as result
    where result.run_id = latest.run_id
) as checks;
