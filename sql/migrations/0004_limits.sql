-- Sizes that people gave to pools; -1 is without limit. Any other pool has the size that its requests bring.
create table audit.pools (
    pool text primary key,
    slots integer not null check (slots = -1 or slots > 0),
    description text not null default ''
);

-- One row a task that waits for slots of a pool (granted_at is null) or holds them; deleted when it
-- gives them back. A run's place among the active runs of its DAG is one with task_id '' in the
-- pool dag:<dag_id>. run_id and workflow_id are those of the Temporal execution.
create table audit.slot_requests (
    run_id text not null,
    task_id text not null,
    workflow_id text not null,
    pool text not null,
    slots integer not null check (slots > 0),
    priority integer not null,
    logical_date date not null,
    map_index integer not null default -1,
    -- The size of a pool without a row in audit.pools, as the newest request has it.
    pool_slots integer not null check (pool_slots = -1 or pool_slots > 0),
    requested_at timestamptz not null default clock_timestamp(),
    -- When it was first left waiting at the head of its pool.
    head_at timestamptz,
    granted_at timestamptz,
    -- When its execution was last known to run.
    checked_at timestamptz not null default clock_timestamp(),
    primary key (run_id, task_id)
);
create index slot_requests_waiting on audit.slot_requests
(pool, priority desc, logical_date, map_index, requested_at, run_id, task_id)
where granted_at is null;
create index slot_requests_granted on audit.slot_requests (pool) where granted_at is not null;
create index slot_requests_newest on audit.slot_requests (pool, requested_at);
