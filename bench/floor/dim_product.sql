-- Versions of products: those that the catalogue lists, and one for each that is only named.
insert into floor.dim_product
with

compared as (
    select
        *,
        lag(product_id) over by_time is null as is_first,
        lag((name, category, price, currency)) over by_time
            is distinct from (name, category, price, currency) as is_change
    from floor.stage_products
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
        case when is_first then '-infinity' else effective_ts end as valid_from,
        lead(effective_ts, 1, 'infinity') over (partition by vendor_id, product_id order by effective_ts) as valid_to
    from compared
    where is_first or is_change
),

sold as materialized (
    select distinct vendor_id, product_id from floor.stage_orders
),

-- Events name no vendor: what nobody else sells is the shop's own.
named as (
    select vendor_id, product_id from sold
    union
    select 'SHOPNOW', product_id
    from floor.event_products
    where product_id not in (select product_id from floor.stage_products)
        and product_id not in (select product_id from sold where vendor_id <> 'SHOPNOW')
),

members as (
    select *, false as is_inferred from versions
    union all
    select vendor_id, product_id, null, null, null, null, '-infinity', 'infinity', true
    from named
    where (vendor_id, product_id) not in (select vendor_id, product_id from versions)
)

select row_number() over (), members.* from members;

analyze floor.dim_product;
