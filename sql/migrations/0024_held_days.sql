alter table audit.dq_results drop constraint dq_results_severity_check;
alter table audit.dq_results add constraint dq_results_severity_check
check (severity in ('info', 'warn', 'error', 'critical'));

alter table audit.outbox drop constraint outbox_kind_check;
alter table audit.outbox add constraint outbox_kind_check
check (kind in ('findings', 'failure', 'deadline', 'held'));

-- Days whose checks had a run ask a person. One row an execution that asked.
create table audit.held_days (
    run_id text primary key,
    run_key text not null,
    shop_id text not null,
    load_date date not null,
    -- Of the part `checks` of the day: the delivery and the checks that the question is about.
    fingerprint text not null,
    -- The error checks that failed.
    checks text[] not null,
    -- The approval that waits.
    task_id text not null,
    held_at timestamptz not null default now(),
    decide_by timestamptz not null,
    -- What becomes of the approval when nobody has decided by then: the run fails, or goes on and publishes.
    on_timeout text not null check (on_timeout in ('fail', 'skip'))
);
create index held_days_by_day on audit.held_days (shop_id, load_date);
create index held_days_by_run on audit.held_days (run_key, held_at);

-- With what people answered: the last decision after the question and before the next one.
create view audit.held_day_decisions as
select
    held.*,
    answer.detail ->> 'decision' as decision,
    answer.made_by as decided_by,
    answer.reason,
    answer.made_at as decided_at
from audit.held_days as held
left join lateral (
    select
        intervention.detail,
        intervention.made_by,
        intervention.reason,
        intervention.made_at
    from audit.interventions as intervention
    where intervention.run_key = held.run_key
        and intervention.action = 'decide'
        and intervention.detail ->> 'task' = held.task_id
        and intervention.made_at >= held.held_at
        and not exists (
            select from audit.held_days as next
            where next.run_key = held.run_key
                and next.held_at > held.held_at
                and next.held_at <= intervention.made_at
        )
    order by intervention.intervention_id desc
    limit 1
) as answer on true;

-- As before, with the failed checks that hold a day.
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
    checks.critical_failures,
    checks.error_failures
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
        count(*) filter (where not result.is_passed and result.severity = 'critical') as critical_failures,
        count(*) filter (where not result.is_passed and result.severity = 'error') as error_failures
    from audit.dq_results as result
    where result.run_id = latest.run_id
) as checks;
