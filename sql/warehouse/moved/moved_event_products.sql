-- Product ids that may mean another member than before to an event, which names no vendor, each with
-- the time since then. They are those of moved products, and those that a further vendor offers now.
-- grain:  product_id
-- reads:  next.dim_product, next.moved_products, published.dim_product
-- params: $1 shop_id
select product_id, min(moved_from) as moved_from
from (
    select moved.product_id, moved.moved_from
    from next.moved_products as moved
    union all
    select version.product_id, version.valid_from
    from next.dim_product as version
    where not exists (select from published.dim_product as old where old.product_key = version.product_key)
        and exists (
            select from published.dim_product as old
            where old.shop_id = $1 and old.product_id = version.product_id
        )
) as changes
group by product_id
