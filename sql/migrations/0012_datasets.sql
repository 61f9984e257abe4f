-- One row each time that a day of a dataset was written: by a task, or as a person says.
create table audit.dataset_events (
    event_id bigint generated always as identity primary key,
    dataset text not null,
    logical_date date not null,
    -- Of the task that wrote it. run_id is the first id of its execution, which a reset keeps.
    run_id text,
    run_key text,
    task_id text,
    -- How often the task had been cleared in its run.
    cleared integer not null default 0,
    -- The person who recorded it.
    made_by text,
    reason text not null default '',
    recorded_at timestamptz not null default now(),
    check ((run_id is null) <> (made_by is null)),
    unique (run_id, task_id, dataset, cleared)
);
create index dataset_events_by_date on audit.dataset_events (dataset, logical_date);

-- The events that a run of a DAG took up when it began. Any event that no run of a date has taken up
-- asks for one.
create table audit.dataset_consumptions (
    run_id text not null,
    event_id bigint not null references audit.dataset_events,
    run_key text not null,
    dag_id text not null,
    logical_date date not null,
    primary key (run_id, event_id)
);
create index dataset_consumptions_by_event on audit.dataset_consumptions (event_id, dag_id);

-- Since when a DAG is known to wait for a dataset: without catch-up, older events start nothing.
create table audit.dataset_consumers (
    dag_id text not null,
    dataset text not null,
    since timestamptz not null default now(),
    primary key (dag_id, dataset)
);
