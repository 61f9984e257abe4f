-- Products that this delivery's lines name, and all of the shop's when the day was published before.
-- grain:  shop_id, vendor_id, product_id
-- reads:  staging.order_lines, warehouse.dim_product, audit.published_loads
-- params: $1 load_date, $2 shop_id, $3 orders_source
with

final as (
    select order_line.vendor_id, order_line.product_id
    from staging.order_lines as order_line
    where order_line.load_date = $1::date
    union
    select version.vendor_id, version.product_id
    from warehouse.dim_product as version
    where version.shop_id = $2
        and exists (
            select from audit.published_loads as load
            where load.load_date = $1::date and load.source = $3
        )
)

select $2::text as shop_id, vendor_id, product_id from final
