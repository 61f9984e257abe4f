create unlogged table floor.stage_products as
with

typed as (
    select
        ctid as place,
        nullif(trim(record ->> 'product_id'), '') as product_id,
        coalesce(nullif(trim(record ->> 'vendor_id'), ''), 'SHOPNOW') as vendor_id,
        nullif(record ->> 'name', '') as name,
        nullif(record ->> 'category', '') as category,
        nullif(record ->> 'price', '') as price_text,
        case when pg_input_is_valid(record ->> 'price', 'numeric') then (record ->> 'price')::numeric end as price,
        coalesce(nullif(record ->> 'currency', ''), 'EUR') as currency,
        nullif(record ->> 'updated_at', '') as updated_at,
        case
            when pg_input_is_valid(record ->> 'updated_at', 'timestamptz')
                then (record ->> 'updated_at')::timestamptz
        end as effective_ts
    from floor.raw_products
    where jsonb_typeof(record) = 'object'
    offset 0
)

select
    place,
    vendor_id,
    product_id,
    name,
    category,
    price,
    currency,
    case when updated_at is null then timestamptz :'day' else effective_ts end as effective_ts,
    case when product_id is null then 1 else 0 end
    + case when name is null then 2 else 0 end
    + case when price_text is null then 4 when price is null then 8 when price <= 0 then 16 else 0 end
    + case when updated_at is not null and effective_ts is null then 32 else 0 end
    + case when effective_ts >= timestamptz :'day' + interval '1 day' then 64 else 0 end as broken
from typed;

insert into floor.broken_rules
select
    'products',
    rule.name,
    count(*)
from floor.stage_products
inner join (
    values
    (0, 'product_id_required'),
    (1, 'name_required'),
    (2, 'price_required'),
    (3, 'price_type'),
    (4, 'price_min'),
    (5, 'effective_ts_type'),
    (6, 'effective_ts_not_future')
) as rule (bit, name) on (broken >> rule.bit) & 1 = 1
group by rule.name;

with

bad as (
    delete from floor.stage_products
    where broken <> 0
    returning place
),

older as (
    delete from floor.stage_products as product
    where broken = 0 and exists (
        select from floor.stage_products as later
        where later.broken = 0
            and (later.vendor_id, later.product_id, later.effective_ts)
                = (product.vendor_id, product.product_id, product.effective_ts)
            and later.place > product.place
    )
    returning place
)

update floor.loads
set quarantined = quarantined + (select count(*) from bad)
    + (select count(*) from floor.raw_products where jsonb_typeof(record) <> 'object'),
    duplicates = (select count(*) from older)
where source = 'products';

analyze floor.stage_products;
