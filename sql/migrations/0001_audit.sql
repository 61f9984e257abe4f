create schema raw;
create schema staging;
create schema warehouse;
create schema marts;
create schema audit;

-- One row an execution of a DAG for a logical date. run_id is Temporal's execution run id,
-- run_key the canonical workflow id (<dag_id>/<date>); a rerun is a new row under the same key.
create table audit.pipeline_runs (
    run_id text primary key,
    run_key text not null,
    dag_id text not null,
    logical_date date not null,
    trigger text not null,
    state text not null check (state in ('running', 'success', 'failed', 'cancelled')),
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    seconds numeric generated always as (extract(epoch from ended_at - started_at)) stored,
    failed_tasks text[] not null default '{}',
    error text,
    graph jsonb not null,
    task_states jsonb not null default '{}'
);
create index pipeline_runs_by_date on audit.pipeline_runs (dag_id, logical_date, started_at);

create table audit.task_runs (
    run_id text not null,
    task_id text not null,
    attempt integer not null,
    run_key text not null,
    state text not null check (state in ('running', 'success', 'failed', 'cancelled')),
    worker text not null,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    seconds numeric generated always as (extract(epoch from ended_at - started_at)) stored,
    rows_in bigint,
    rows_out bigint,
    rows_rejected bigint,
    bytes bigint,
    error text,
    primary key (run_id, task_id, attempt)
);

-- The attempt that may write for a task of a run key. Set when an attempt starts, proven by every
-- writing transaction before it commits, so that a frozen attempt that wakes up cannot write.
create table audit.task_fences (
    run_key text not null,
    task_id text not null,
    run_id text not null,
    attempt integer not null,
    primary key (run_key, task_id)
);

-- Every file seen in a landing zone. Conservation: received = loaded + quarantined + duplicates.
create table audit.source_files (
    file_id bigint generated always as identity primary key,
    source text not null,
    load_date date not null,
    path text not null,
    sha256 text not null,
    bytes bigint not null,
    format text not null,
    header text[],
    is_nested boolean not null default false,
    state text not null check (state in ('loaded', 'duplicate', 'superseded')),
    duplicate_of bigint references audit.source_files,
    records_received bigint not null,
    records_loaded bigint,
    records_quarantined bigint,
    records_duplicate bigint,
    run_id text not null,
    received_at timestamptz not null default now()
);
create index source_files_by_date on audit.source_files (source, load_date);
create unique index source_files_current on audit.source_files (source, load_date, path)
where state <> 'superseded';

-- Quarantine: rejected records, complete, with every broken rule.
-- problems: [{"rule": ..., "column": ..., "value": ...}], in the contract's order.
create table audit.bad_records (
    file_id bigint not null references audit.source_files,
    record_no integer not null,
    source text not null,
    load_date date not null,
    record_id text,
    rules text[] not null,
    problems jsonb not null,
    record text not null,
    run_id text not null,
    quarantined_at timestamptz not null default now(),
    primary key (file_id, record_no)
);
create index bad_records_by_date on audit.bad_records (source, load_date);

-- Records recognised as older deliveries of a key that the same day delivered again.
create table audit.duplicate_records (
    file_id bigint not null references audit.source_files,
    record_no integer not null,
    source text not null,
    load_date date not null,
    record_id text not null,
    kept_file_id bigint not null,
    kept_record_no integer not null,
    primary key (file_id, record_no)
);
create index duplicate_records_by_date on audit.duplicate_records (source, load_date);

create table audit.dq_results (
    run_id text not null,
    check_id text not null,
    dag_id text not null,
    logical_date date not null,
    table_name text not null,
    severity text not null check (severity in ('warn', 'critical')),
    is_passed boolean not null,
    expected text not null,
    actual text not null,
    failed_rows bigint not null default 0,
    checked_at timestamptz not null default now(),
    primary key (run_id, check_id)
);
create index dq_results_by_date on audit.dq_results (dag_id, logical_date);

create table audit.dq_failures (
    run_id text not null,
    check_id text not null,
    sample_no integer not null,
    record_key text not null,
    detail text,
    primary key (run_id, check_id, sample_no)
);

-- Deliveries that passed their checks: facts are a function of the staging rows of these.
create table audit.published_loads (
    source text not null,
    load_date date not null,
    run_id text not null,
    business_dates date[] not null,
    published_at timestamptz not null default now(),
    primary key (source, load_date)
);

-- One row a shop: counts its publications. A build made against an older version is made again.
create table audit.shop_versions (
    shop_id text primary key,
    version bigint not null
);

create table audit.publications (
    publication_id bigint generated always as identity primary key,
    shop_id text not null,
    version bigint not null,
    run_id text not null,
    logical_date date not null,
    published_at timestamptz not null default now(),
    changes jsonb not null
);

-- Mails are rows first. dedupe_key makes a mail unique; message_id stays the same over resends.
create table audit.outbox (
    mail_id bigint generated always as identity primary key,
    dedupe_key text not null unique,
    kind text not null check (kind in ('findings', 'failure')),
    run_id text not null,
    run_key text not null,
    recipients text[] not null,
    subject text not null,
    body_text text not null,
    body_html text not null,
    message_id text not null unique,
    state text not null default 'pending' check (state in ('pending', 'sent', 'kept', 'refused')),
    attempts integer not null default 0,
    last_error text,
    next_attempt_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    sent_at timestamptz
);
create index outbox_pending on audit.outbox (next_attempt_at) where state = 'pending';

-- A finding is mailed to a recipient once, whatever run finds it again.
create table audit.mailed_findings (
    finding_key text not null,
    recipient text not null,
    mail_id bigint not null references audit.outbox,
    primary key (finding_key, recipient)
);
