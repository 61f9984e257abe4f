-- What each part of a shop's day (a delivery typed, its checks, a table's share) was made from. A row is
-- written with what it describes, as made; publishing the day makes it the published one. A part is up
-- to date when the published row says what would be made now, and none waits to be published.
-- made_of: {"code": {file: digest}, "inputs": {what: digest}, "reads": {part: fingerprint}}.
create table audit.fingerprints (
    shop_id text not null,
    load_date date not null,
    part text not null,
    is_published boolean not null,
    fingerprint text not null,
    made_of jsonb not null,
    -- What the task that made it returned.
    result jsonb not null,
    run_id text not null,
    made_at timestamptz not null default now(),
    primary key (shop_id, load_date, part, is_published)
);

-- Whether the attempt found what it makes up to date, and did nothing.
alter table audit.task_runs add column is_up_to_date boolean not null default false;

-- The results of checks that stand for a run: its own, or, where it found them up to date, those of the
-- run that published them.
create view audit.standing_checks as
select
    run_id,
    run_id as judged_by,
    check_id,
    severity,
    is_passed,
    expected,
    actual,
    failed_rows
from audit.dq_results
union all
select
    run.run_id,
    result.run_id as judged_by,
    result.check_id,
    result.severity,
    result.is_passed,
    result.expected,
    result.actual,
    result.failed_rows
from audit.pipeline_runs as run
inner join audit.fingerprints as record
    on record.part = 'checks' and record.is_published and record.load_date = run.logical_date
inner join audit.dq_results as result
    on result.run_id = record.run_id and result.dag_id = run.dag_id
where record.run_id <> run.run_id
    and exists (
        select from audit.task_runs as attempt
        where attempt.run_id = run.run_id and attempt.task_id = 'dq_checks' and attempt.is_up_to_date
    );

-- As before, with the checks that stand for the published run.
create or replace view marts.daily_overview as
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
        from audit.standing_checks as result
        where result.run_id = published.run_id and not result.is_passed
    ) as failed_checks
from figures
left join published
    on published.shop_id = figures.shop_id and published.logical_date = figures.metric_date
left join audit.pipeline_runs as run
    on run.run_id = published.run_id and run.state = 'success';
