insert into floor.daily_metrics
with

figures as (
    select
        case when grouping(source) = 0 then 'source' else 'all' end as dimension,
        coalesce(source, 'all') as segment,
        sum(received) as received,
        sum(quarantined) as quarantined,
        sum(duplicates) as duplicates
    from floor.loads
    group by grouping sets ((), (source))
)

select date :'day', metric, dimension, segment, value
from figures
cross join lateral (
    values
    ('records_received', received),
    ('records_loaded', received - quarantined - duplicates),
    ('records_quarantined', quarantined),
    ('records_duplicate', duplicates)
) as figure (metric, value);
