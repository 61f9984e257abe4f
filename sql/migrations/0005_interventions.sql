-- What a repaired run goes on from: the params it was started with and what its tasks returned.
alter table audit.pipeline_runs
add column params jsonb not null default '{}',
add column outputs jsonb not null default '{}',
-- The run that this one repairs.
add column cleared_from text;

alter table audit.pipeline_runs drop constraint pipeline_runs_state_check;
alter table audit.pipeline_runs add constraint pipeline_runs_state_check
check (state in ('queued', 'running', 'success', 'failed', 'cancelled'));

-- How often the task had been cleared in its run when the attempt was made.
alter table audit.task_runs
add column cleared integer not null default 0;

-- What people did to runs: who, when, why.
create table audit.interventions (
    intervention_id bigint generated always as identity primary key,
    run_id text not null,
    run_key text not null,
    action text not null check (action in ('clear', 'mark', 'pause', 'resume', 'decide')),
    made_by text not null,
    reason text not null default '',
    detail jsonb not null default '{}',
    made_at timestamptz not null default now()
);
create index interventions_by_run on audit.interventions (run_key, made_at);
