-- What a delivery looks like, from a sample of its staged rows: shares, levels and mixes of its columns.
-- Checks compare a day with the profiles of the days published before it. A candidate's profile becomes
-- the day's when the candidate does.
create table audit.delivery_profiles (
    source text not null,
    load_date date not null,
    is_candidate boolean not null,
    kind text not null check (kind in ('count', 'share', 'level', 'segment')),
    measure text not null,
    segment text not null default '',
    value double precision not null,
    primary key (source, load_date, is_candidate, kind, measure, segment)
);
