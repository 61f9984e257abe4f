-- Records of a delivery's files by where they went, as of its publication: a new delivery of the day
-- that has not passed its checks changes source_files, but no figure. Null: it had no files.
alter table audit.published_loads
    add column records_received bigint,
    add column records_loaded bigint,
    add column records_quarantined bigint,
    add column records_duplicate bigint;

update audit.published_loads
set records_received = files.records_received,
    records_loaded = files.records_loaded,
    records_quarantined = files.records_quarantined,
    records_duplicate = files.records_duplicate
from (
    select
        source,
        load_date,
        sum(source_files.records_received) as records_received,
        coalesce(sum(source_files.records_loaded), 0) as records_loaded,
        coalesce(sum(source_files.records_quarantined), 0) as records_quarantined,
        coalesce(sum(source_files.records_duplicate), 0) as records_duplicate
    from audit.source_files
    where state <> 'superseded'
    group by source, load_date
) as files
where published_loads.source = files.source and published_loads.load_date = files.load_date;
