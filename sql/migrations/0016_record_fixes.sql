-- What people decided about records in quarantine, each decision a row of its own; the latest of a
-- record is in force. A record is known by the content of its file: a file that is delivered again with
-- other content has other records. Raw is never edited.
create table audit.record_fixes (
    fix_id bigint generated always as identity primary key,
    source text not null,
    load_date date not null,
    path text not null,
    sha256 text not null,
    record_no integer not null,
    -- fix: the record counts as if its file had held it so; drop: it stays rejected as it was delivered.
    action text not null check (action in ('fix', 'drop')),
    -- The text that counted before, and the one that counts from now on.
    record_before text not null,
    record_after text not null,
    -- The fields of record_after and whether it has order lines, as the reader of the file finds them.
    fields text[],
    is_nested boolean not null default false,
    made_by text not null,
    reason text not null check (reason <> ''),
    made_at timestamptz not null default now(),
    -- When a run of the day last judged the record by this decision, and when the books first had it.
    staged_at timestamptz,
    published_at timestamptz
);
create index record_fixes_by_record on audit.record_fixes (source, load_date, path, sha256, record_no, fix_id);

-- The latest decision about each record; file_id is null where the file has been delivered anew since.
create view audit.fixes_in_force as
select distinct on (fix.source, fix.load_date, fix.path, fix.sha256, fix.record_no)
    fix.*,
    file.file_id
from audit.record_fixes as fix
left join audit.source_files as file
    on fix.source = file.source
    and fix.load_date = file.load_date
    and fix.path = file.path
    and fix.sha256 = file.sha256
    and file.state = 'loaded'
order by
    fix.source asc,
    fix.load_date asc,
    fix.path asc,
    fix.sha256 asc,
    fix.record_no asc,
    fix.fix_id desc;
