-- Products whose versions at some time are others than before, and since when.
-- grain:  vendor_id, product_id
-- reads:  next.dim_product, next.dim_product_scope, published.dim_product
-- params: $1 shop_id
select vendor_id, product_id, min(valid_from) as moved_from
from (
    select version.vendor_id, version.product_id, version.valid_from
    from next.dim_product as version
    where not exists (select from published.dim_product as old where old.product_key = version.product_key)
        and exists (
            select from published.dim_product as old
            where old.shop_id = $1
                and old.vendor_id = version.vendor_id
                and old.product_id = version.product_id
        )
    union all
    select old.vendor_id, old.product_id, old.valid_from
    from published.dim_product as old
    inner join next.dim_product_scope as scope
        on old.vendor_id = scope.vendor_id and old.product_id = scope.product_id
    where old.shop_id = $1
        and not exists (select from next.dim_product as version where version.product_key = old.product_key)
) as key_changes
group by vendor_id, product_id
