alter table floor.dim_user add primary key (user_key), add unique (user_id, valid_from);

alter table floor.dim_product add primary key (product_key), add unique (vendor_id, product_id, valid_from);
