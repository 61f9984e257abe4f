-- What is left of a published delivery when an earlier day takes files of it over.
create view audit.loads_left as
with

taken as (
    select
        taken.load_date as taken_by,
        taken.source,
        taken.taken_from,
        array_agg(files.file_id) as file_ids,
        sum(files.records_received) as records_received,
        coalesce(sum(files.records_loaded), 0) as records_loaded,
        coalesce(sum(files.records_quarantined), 0) as records_quarantined,
        coalesce(sum(files.records_duplicate), 0) as records_duplicate
    from audit.taken_over_files as taken
    inner join audit.source_files as files on files.file_id = taken.file_id
    group by taken.load_date, taken.source, taken.taken_from
)

select
    taken.taken_by,
    loads.source,
    loads.load_date,
    -- Null, as for any delivery without a file, when it was the last one.
    case when kept.has_files then loads.records_received - taken.records_received end as records_received,
    loads.records_loaded - taken.records_loaded as records_loaded,
    loads.records_quarantined - taken.records_quarantined as records_quarantined,
    loads.records_duplicate - taken.records_duplicate as records_duplicate
from taken
inner join audit.published_loads as loads
    on loads.source = taken.source and loads.load_date = taken.taken_from
cross join lateral (
    select exists (
        select from audit.source_files as other
        where other.source = loads.source
            and other.load_date = loads.load_date
            and other.state <> 'superseded'
            and other.file_id <> all(taken.file_ids)
    ) as has_files
) as kept;
