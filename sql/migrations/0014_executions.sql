-- Every execution of a run, and its place in the order of time: who wants the latest one of a key or a
-- date, among all or some, takes the greatest recency. An execution that was reset started when its
-- successor did, by Temporal's clock, and may have ended with it; it comes before it.
create view audit.executions as
select
    *,
    array[
        started_at,
        case
            when state = 'cancelled'
                and error in ('it was reset', 'ended without a word: terminated or reset')
                then '-infinity'::timestamptz
            else coalesce(ended_at, 'infinity'::timestamptz)
        end
    ] as recency
from audit.pipeline_runs;

-- How the latest run of every DAG and date went.
create or replace view marts.pipeline_health as
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
    from audit.executions
    order by dag_id asc, logical_date asc, recency desc, run_id asc
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
