-- dim_product: all versions of the products in scope, from the catalogues over time. A product that
-- only orders or events name is an inferred member until a catalogue lists it.
-- grain:  shop_id, vendor_id, product_id, valid_from
-- reads:  staging.products, staging.order_lines, staging.events, audit.published_loads, next.dim_product_scope
-- params: $1 load_date, $2 shop_id, $3 orders_source, $4 events_source, $5 products_source
with

loads as (
    select source, load_date from audit.published_loads where source in ($3, $4, $5)
    union
    select unnest(array[$3, $4, $5]), $1::date
),

listings as (
    select distinct on (product.vendor_id, product.product_id, product.effective_ts)
        product.vendor_id,
        product.product_id,
        product.name,
        product.category,
        product.price,
        product.currency,
        product.effective_ts
    from staging.products as product
    inner join next.dim_product_scope as scope
        on product.vendor_id = scope.vendor_id and product.product_id = scope.product_id
    where product.load_date in (select load_date from loads where source = $5)
    order by product.vendor_id, product.product_id, product.effective_ts, product.load_date desc, product.record_no desc
),

compared as (
    select
        *,
        row_number() over by_time as listing_no,
        lag((name, category, price, currency)) over by_time
            is distinct from (name, category, price, currency) as is_change
    from listings
    window by_time as (partition by vendor_id, product_id order by effective_ts)
),

versions as (
    select
        vendor_id,
        product_id,
        name,
        category,
        price,
        currency,
        case when listing_no = 1 then '-infinity' else effective_ts end as valid_from,
        lead(effective_ts, 1, 'infinity') over (partition by vendor_id, product_id order by effective_ts) as valid_to,
        false as is_inferred
    from compared
    where listing_no = 1 or is_change
),

-- Events name no vendor: they name the product of whichever vendor lists it, else the shop's own.
sold_or_seen as (
    select scope.vendor_id, scope.product_id
    from next.dim_product_scope as scope
    where exists (
        select from staging.order_lines as order_line
        where order_line.load_date in (select load_date from loads where source = $3)
            and order_line.vendor_id = scope.vendor_id
            and order_line.product_id = scope.product_id
    )
    union
    select scope.vendor_id, scope.product_id
    from next.dim_product_scope as scope
    where scope.vendor_id = 'SHOPNOW'
        and exists (
            select from staging.events as event
            where event.load_date in (select load_date from loads where source = $4)
                and event.product_id = scope.product_id
        )
        and not exists (
            select from staging.products as product
            where product.load_date in (select load_date from loads where source = $5)
                and product.product_id = scope.product_id
        )
        and not exists (
            select from staging.order_lines as order_line
            where order_line.load_date in (select load_date from loads where source = $3)
                and order_line.product_id = scope.product_id
                and order_line.vendor_id <> 'SHOPNOW'
        )
),

inferred as (
    select vendor_id, product_id from sold_or_seen
    except
    select vendor_id, product_id from versions
),

members as (
    select vendor_id, product_id, name, category, price, currency, valid_from, valid_to, is_inferred
    from versions
    union all
    select vendor_id, product_id, null, null, null, null, '-infinity', 'infinity', true
    from inferred
),

final as (
    select
        hashtextextended(concat_ws(chr(31), $2::text, vendor_id, product_id,
            extract(epoch from valid_from)), 0) as product_key,
        $2::text as shop_id,
        members.*
    from members
)

select * from final
