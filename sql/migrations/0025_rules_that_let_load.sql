-- Which rules of severity info or warn a staged row breaks; null for none. Days that wait for their checks have a
-- table of their own, which takes the place of their partition by its columns' order.
do $$
declare
    staged regclass;
begin
    for staged in
        select oid from pg_class
        where relnamespace = 'staging'::regnamespace and relkind in ('r', 'p') and not relispartition
    loop
        execute format('alter table %s add column broken_rules text[]', staged);
    end loop;
end $$;

-- Records in quarantine that break a critical rule: those that count towards quarantine_limit. Null where a file was
-- read before rules had severities: all of them did.
alter table audit.source_files add column records_critical bigint;
