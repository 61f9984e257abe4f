-- Products whose versions this delivery can change: unknown ones, ones whose name or price of the day
-- differs from the version valid then, and all of the shop's when the day was published before.
-- grain:  shop_id, vendor_id, product_id
-- reads:  staging.order_lines, warehouse.dim_product, audit.published_loads
-- params: $1 load_date, $2 shop_id, $3 orders_source, $4 time_zone
with

lines as (
    select
        order_line.*,
        order_line.line_type = 'product' and order_line.quantity > 0 and order_line.unit_price > 0 as is_sale
    from staging.order_lines as order_line
    where order_line.load_date = $1::date
),

days as (
    select
        vendor_id,
        product_id,
        order_date::timestamp at time zone $4 as effective_ts,
        mode() within group (order by product_name) as name,
        mode() within group (order by unit_price) as price
    from lines
    where is_sale
    group by vendor_id, product_id, order_date
),

changed as (
    select days.vendor_id, days.product_id
    from days
    left join warehouse.dim_product as version
        on version.shop_id = $2
        and version.vendor_id = days.vendor_id
        and version.product_id = days.product_id
        and days.effective_ts >= version.valid_from
        and days.effective_ts < version.valid_to
    where (days.name, days.price) is distinct from (version.name, version.price)
),

unknown as (
    select vendor_id, product_id from lines
    except
    select version.vendor_id, version.product_id
    from warehouse.dim_product as version
    where version.shop_id = $2
),

published_before as (
    select version.vendor_id, version.product_id
    from warehouse.dim_product as version
    where version.shop_id = $2
        and exists (
            select from audit.published_loads as load
            where load.load_date = $1::date and load.source = $3
        )
),

final as (
    select vendor_id, product_id from changed
    union
    select vendor_id, product_id from unknown
    union
    select vendor_id, product_id from published_before
)

select $2::text as shop_id, vendor_id, product_id from final
