-- One row a backfill. backfill_id is the run id of the first execution of the workflow workflow_id.
create table audit.backfills (
    backfill_id text primary key,
    workflow_id text not null,
    dag_id text not null,
    state text not null check (state in ('running', 'success', 'failed', 'cancelled')),
    -- What was asked for, with its defaults.
    input jsonb not null,
    started_at timestamptz not null,
    ended_at timestamptz
);
create index backfills_running on audit.backfills (dag_id) where ended_at is null;
create index backfills_by_workflow on audit.backfills (workflow_id, started_at);

-- Every day of a backfill's range, in the order in which they run. Its run, if there is one, has the
-- backfill_id; a day without a reason and without a run waits for its turn.
create table audit.backfill_days (
    backfill_id text not null references audit.backfills,
    ordinal integer not null,
    logical_date date not null,
    -- Why no run was made.
    reason text,
    primary key (backfill_id, ordinal),
    unique (backfill_id, logical_date)
);

-- The backfill that made the run.
alter table audit.pipeline_runs
add column backfill_id text;

-- A run begins and ends by looking for what older executions of its key left behind.
create index pipeline_runs_by_key on audit.pipeline_runs (run_key, started_at);
create index task_runs_running on audit.task_runs (run_key) where state = 'running';
