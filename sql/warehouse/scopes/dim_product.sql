-- Products whose versions this delivery can change: those its catalogue lists, or listed when a later
-- day brought it, unknown ones that its orders and events name, and all of the shop's when one of its
-- parts was published before.
-- grain:  shop_id, vendor_id, product_id
-- reads:  staging.products, accepted.products, staging.order_lines, staging.events, warehouse.dim_product, audit.published_loads
-- params: $1 load_date, $2 shop_id, $3 orders_source, $4 events_source, $5 products_source, $6 taken_over_files
with

listed as (
    select product.vendor_id, product.product_id
    from staging.products as product
    where product.load_date = $1::date
    union
    select product.vendor_id, product.product_id
    from accepted.products as product
    where product.load_date > $1::date and product.file_id = any ($6::bigint[])
),

ordered as (
    select distinct order_line.vendor_id, order_line.product_id
    from staging.order_lines as order_line
    where order_line.load_date = $1::date
),

seen as (
    select distinct event.product_id
    from staging.events as event
    where event.load_date = $1::date and event.product_id is not null
),

new_products as (
    select vendor_id, product_id from ordered
    except
    select version.vendor_id, version.product_id
    from warehouse.dim_product as version
    where version.shop_id = $2
    union
    select 'SHOPNOW', product_id from seen
    where not exists (
        select from warehouse.dim_product as version
        where version.shop_id = $2 and version.product_id = seen.product_id
    )
),

-- The shop's own inferred member gives way to the vendor that turns out to sell the product.
replaced as (
    select version.vendor_id, version.product_id
    from warehouse.dim_product as version
    where version.shop_id = $2
        and version.is_inferred
        and (
            version.product_id in (select product_id from listed)
            or version.product_id in (select product_id from ordered)
        )
),

published_before as (
    select version.vendor_id, version.product_id
    from warehouse.dim_product as version
    where version.shop_id = $2
        and exists (
            select from audit.published_loads as load
            where load.load_date = $1::date and load.source in ($3, $4, $5)
        )
),

final as (
    select vendor_id, product_id from listed
    union
    select vendor_id, product_id from new_products
    union
    select vendor_id, product_id from replaced
    union
    select vendor_id, product_id from published_before
)

select $2::text as shop_id, vendor_id, product_id from final
