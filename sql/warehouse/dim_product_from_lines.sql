-- dim_product for a shop without catalogues: what its order lines say of a product each day. The
-- price of a day is the commonest one of its sale lines; clerks' notes are no names.
-- table:  dim_product
-- grain:  shop_id, vendor_id, product_id, valid_from
-- reads:  staging.order_lines, audit.published_loads, next.dim_product_scope
-- params: $1 load_date, $2 shop_id, $3 orders_source, $4 time_zone
with

loads as (
    select load_date from audit.published_loads where source = $3
    union
    select $1::date
),

lines as (
    select
        order_line.*,
        order_line.line_type = 'product' and order_line.quantity > 0 and order_line.unit_price > 0 as is_sale
    from staging.order_lines as order_line
    inner join next.dim_product_scope as scope
        on order_line.vendor_id = scope.vendor_id and order_line.product_id = scope.product_id
    where order_line.load_date in (select load_date from loads)
),

members as (
    select distinct vendor_id, product_id from lines
),

days as (
    select
        vendor_id,
        product_id,
        min(order_date)::timestamp at time zone $4 as effective_ts,
        mode() within group (order by product_name) as name,
        mode() within group (order by unit_price) as price,
        min(currency) as currency
    from lines
    where is_sale
    group by vendor_id, product_id, order_date
),

compared as (
    select
        *,
        row_number() over by_time as day_no,
        lag((name, price)) over by_time is distinct from (name, price) as is_change
    from days
    window by_time as (partition by vendor_id, product_id order by effective_ts)
),

versions as (
    select
        vendor_id,
        product_id,
        name,
        price,
        currency,
        case when day_no = 1 then '-infinity' else effective_ts end as valid_from,
        lead(effective_ts, 1, 'infinity') over (partition by vendor_id, product_id order by effective_ts) as valid_to
    from compared
    where day_no = 1 or is_change
),

final as (
    select
        hashtextextended(concat_ws(chr(31), $2::text, members.vendor_id, members.product_id,
            extract(epoch from coalesce(versions.valid_from, '-infinity'))), 0) as product_key,
        $2::text as shop_id,
        members.vendor_id,
        members.product_id,
        versions.name,
        null as category,
        versions.price,
        versions.currency,
        coalesce(versions.valid_from, '-infinity') as valid_from,
        coalesce(versions.valid_to, 'infinity') as valid_to,
        versions.product_id is null as is_inferred
    from members
    left join versions
        on members.vendor_id = versions.vendor_id and members.product_id = versions.product_id
)

select * from final
