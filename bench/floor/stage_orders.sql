-- Typed lines, each with a bit for every rule that it breaks. Most orders are one line, so that only
-- the others are taken apart.
create unlogged table floor.stage_orders as
with

lines as (
    select
        ctid as place,
        1 as line_no,
        record ->> 'product_id' as product_id,
        record ->> 'quantity' as quantity,
        record ->> 'price' as price,
        record ->> 'order_id' as order_id,
        record ->> 'user_id' as user_id,
        record ->> 'vendor_id' as vendor_id,
        record ->> 'currency' as currency,
        record ->> 'timestamp' as order_ts,
        record ->> 'status' as status,
        record ->> 'channel' as channel,
        record ->> 'region' as region,
        record ->> 'discount_code' as discount_code,
        record ->> 'customer_name' as customer_name,
        record ->> 'customer_email' as customer_email,
        record ->> 'customer_country' as customer_country
    from floor.raw_orders
    where jsonb_typeof(record) = 'object' and not record ? 'items'
    union all
    select
        raw.ctid,
        item.line_no,
        coalesce(item.fields, record) ->> 'product_id',
        coalesce(item.fields, record) ->> 'quantity',
        coalesce(item.fields, record) ->> 'price',
        coalesce(item.fields ->> 'order_id', record ->> 'order_id'),
        coalesce(item.fields ->> 'user_id', record ->> 'user_id'),
        coalesce(item.fields ->> 'vendor_id', record ->> 'vendor_id'),
        coalesce(item.fields ->> 'currency', record ->> 'currency'),
        coalesce(item.fields ->> 'timestamp', record ->> 'timestamp'),
        coalesce(item.fields ->> 'status', record ->> 'status'),
        coalesce(item.fields ->> 'channel', record ->> 'channel'),
        coalesce(item.fields ->> 'region', record ->> 'region'),
        coalesce(item.fields ->> 'discount_code', record ->> 'discount_code'),
        coalesce(item.fields ->> 'customer_name', record ->> 'customer_name'),
        coalesce(item.fields ->> 'customer_email', record ->> 'customer_email'),
        coalesce(item.fields ->> 'customer_country', record ->> 'customer_country')
    from floor.raw_orders as raw
    left join lateral jsonb_array_elements(
        case when jsonb_typeof(record -> 'items') = 'array' then record -> 'items' end
    ) with ordinality as item (fields, line_no) on true
    where jsonb_typeof(record) = 'object' and record ? 'items'
),

-- offset 0 has each value worked out once, whatever looks at it.
typed as (
    select
        place,
        coalesce(line_no, 1)::integer as line_no,
        nullif(trim(order_id), '') as order_id,
        nullif(trim(user_id), '') as user_id,
        coalesce(nullif(trim(vendor_id), ''), 'SHOPNOW') as vendor_id,
        nullif(trim(product_id), '') as product_id,
        nullif(quantity, '') as quantity_text,
        case
            when translate(quantity, '0123456789', '') in ('', '-') and pg_input_is_valid(quantity, 'integer')
                then quantity::integer
        end as quantity,
        nullif(price, '') as price_text,
        case
            when translate(price, '0123456789', '') in ('', '-', '.', '-.') and length(price) < 30
                and pg_input_is_valid(price, 'numeric')
                then price::numeric
        end as unit_price,
        coalesce(nullif(currency, ''), 'EUR') as currency,
        nullif(order_ts, '') as order_ts_text,
        case
            when order_ts like '____-__-__%' and pg_input_is_valid(order_ts, 'timestamptz')
                then order_ts::timestamptz
        end as order_ts,
        nullif(status, '') as status,
        nullif(channel, '') as channel,
        nullif(region, '') as region,
        nullif(discount_code, '') as discount_code,
        nullif(customer_name, '') as customer_name,
        nullif(customer_email, '') as customer_email,
        nullif(customer_country, '') as customer_country
    from lines
    offset 0
)

select
    place,
    line_no,
    order_id,
    user_id,
    vendor_id,
    product_id,
    quantity,
    unit_price,
    currency,
    order_ts,
    order_ts::date as order_date,
    status,
    channel,
    region,
    discount_code,
    customer_name,
    customer_email,
    customer_country,
    case when order_id is null then 1 else 0 end
    + case when user_id is null then 2 else 0 end
    + case when product_id is null then 4 else 0 end
    + case when quantity_text is null then 8 when quantity is null then 16 else 0 end
    + case when quantity < 1 then 32 when quantity > 100000 then 64 else 0 end
    + case when price_text is null then 128 when unit_price is null then 256 when unit_price <= 0 then 512 else 0 end
    + case when order_ts_text is null then 1024 when order_ts is null then 2048 else 0 end
    + case when order_ts >= timestamptz :'day' + interval '1 day' then 4096 else 0 end
    + case when order_ts < timestamptz :'day' - interval '35 days' then 8192 else 0 end
    + case when status is null then 16384 else 0 end
    + case when status not in ('paid', 'cancelled', 'refunded', 'pending') then 32768 else 0 end
    + case
        when greatest(
            length(order_id), length(user_id), length(vendor_id), length(product_id),
            length(currency), length(channel), length(region), length(customer_country)
        ) > 200 then 65536
        else 0
    end as broken
from typed;

insert into floor.broken_rules
select
    'orders',
    rule.name,
    count(distinct place)
from floor.stage_orders
inner join (
    values
    (0, 'order_id_required'),
    (1, 'user_id_required'),
    (2, 'product_id_required'),
    (3, 'quantity_required'),
    (4, 'quantity_type'),
    (5, 'quantity_min'),
    (6, 'quantity_max'),
    (7, 'unit_price_required'),
    (8, 'unit_price_type'),
    (9, 'unit_price_min'),
    (10, 'order_ts_required'),
    (11, 'order_ts_type'),
    (12, 'order_ts_not_future'),
    (13, 'order_ts_not_too_old'),
    (14, 'status_required'),
    (15, 'status_accepted'),
    (16, 'key_length')
) as rule (bit, name) on (broken >> rule.bit) & 1 = 1
where broken <> 0
group by rule.name
union all
select
    'orders',
    'malformed',
    count(*)
from floor.raw_orders
where jsonb_typeof(record) <> 'object';

-- A record with a bad line is bad as a whole.
with

bad as (
    delete from floor.stage_orders
    where place in (select place from floor.stage_orders where broken <> 0)
    returning place
)

update floor.loads
set quarantined = quarantined
    + (select count(distinct place) from bad)
    + (select records from floor.broken_rules where source = 'orders' and rule = 'malformed')
where source = 'orders';

-- Of an order that came twice the later record counts: places grow as the file does.
with

kept as (
    select order_id, max(place) as place
    from floor.stage_orders
    group by order_id
    having min(place) <> max(place)
),

older as (
    delete from floor.stage_orders as line
    using kept
    where kept.order_id = line.order_id and kept.place <> line.place
    returning line.place
)

update floor.loads
set duplicates = (select count(distinct place) from older)
where source = 'orders';

analyze floor.stage_orders (order_id, user_id, vendor_id, product_id, order_date, order_ts);
