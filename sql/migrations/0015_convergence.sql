-- A file belongs to the earliest of the days that may bring it. These are the files of a day that a later
-- day brought before it; publishing the day takes them over.
create view audit.taken_over_files as
select
    own.source,
    own.load_date,
    later.file_id,
    later.load_date as taken_from
from audit.source_files as own
inner join audit.source_files as later
    on later.source = own.source and later.path = own.path and later.load_date > own.load_date
where own.state <> 'superseded' and later.state <> 'superseded';

-- Versions of a member are a chain: each but the current one ends where another begins, and no two end
-- at one time. So there is no gap, no overlap and one current version. Checked at commit, because a
-- rebuilt history passes through states that are none.
drop index warehouse.dim_user_current;
alter table warehouse.dim_user
    add column next_from timestamptz generated always as (nullif(valid_to, 'infinity')) stored,
    add constraint dim_user_one_ends unique (shop_id, user_id, valid_to),
    add constraint dim_user_next_begins foreign key (shop_id, user_id, next_from)
        references warehouse.dim_user (shop_id, user_id, valid_from) deferrable initially deferred;

drop index warehouse.dim_product_current;
alter table warehouse.dim_product
    add column next_from timestamptz generated always as (nullif(valid_to, 'infinity')) stored,
    add constraint dim_product_one_ends unique (shop_id, vendor_id, product_id, valid_to),
    add constraint dim_product_next_begins foreign key (shop_id, vendor_id, product_id, next_from)
        references warehouse.dim_product (shop_id, vendor_id, product_id, valid_from)
        deferrable initially deferred;

-- What publishing a day again changed; null when nothing was published of the day before.
-- {"figures": [{"metric", "before", "after"}], "rows": [{"table", "date", "inserted", "deleted"}]}
alter table audit.publications add column restatement jsonb;
