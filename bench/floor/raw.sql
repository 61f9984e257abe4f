-- Where the bytes of the day go. Unlogged: the files are still there if the server crashes.
create unlogged table floor.raw_orders (record jsonb);

create unlogged table floor.raw_products (record jsonb);

create unlogged table floor.raw_events (
    event_id text,
    user_id text,
    product_id text,
    event_type text,
    event_ts text,
    session_id text,
    url text,
    user_agent text
);

-- Records of a file; those that are no records at all never reach the raw tables.
create table floor.loads (
    source text primary key,
    received bigint not null,
    quarantined bigint not null,
    duplicates bigint not null default 0
);

create table floor.broken_rules (source text, rule text, records bigint);
