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
