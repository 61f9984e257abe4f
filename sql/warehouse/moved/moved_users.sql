-- Customers whose versions at some time are others than before, and since when.
-- grain:  user_id
-- reads:  next.dim_user, next.dim_user_scope, published.dim_user
-- params: $1 shop_id
select user_id, min(valid_from) as moved_from
from (
    select version.user_id, version.valid_from
    from next.dim_user as version
    where not exists (select from published.dim_user as old where old.user_key = version.user_key)
        and exists (
            select from published.dim_user as old
            where old.shop_id = $1 and old.user_id = version.user_id
        )
    union all
    select old.user_id, old.valid_from
    from published.dim_user as old
    inner join next.dim_user_scope as scope on old.user_id = scope.user_id
    where old.shop_id = $1
        and not exists (select from next.dim_user as version where version.user_key = old.user_key)
) as key_changes
group by user_id
