-- The day's partition is filled beside the table and keyed when it is full.
create table floor.fact_orders_of_day as
select
    line.order_id,
    line.line_no,
    line.order_date,
    line.order_ts,
    coalesce(customer.user_key, 0) as user_key,
    coalesce(product.product_key, 0) as product_key,
    line.user_id,
    line.vendor_id,
    line.product_id,
    line.quantity,
    line.unit_price,
    line.quantity * line.unit_price as gross_amount,
    line.currency,
    line.status,
    line.channel,
    line.region,
    line.discount_code,
    date :'day' as delivery_date
from floor.stage_orders as line
left join floor.dim_user as customer
    on customer.user_id = line.user_id
        and line.order_ts >= customer.valid_from
        and line.order_ts < customer.valid_to
left join floor.dim_product as product
    on product.vendor_id = line.vendor_id
        and product.product_id = line.product_id
        and line.order_ts >= product.valid_from
        and line.order_ts < product.valid_to
where line.order_date = date :'day';

alter table floor.fact_orders_of_day
    add primary key (order_id, line_no, order_date),
    add constraint of_day check (order_date >= date :'day' and order_date < date :'day' + 1);

-- Late ones are few: the partitions of their dates take them as they are.
insert into floor.fact_orders
select
    line.order_id,
    line.line_no,
    line.order_date,
    line.order_ts,
    coalesce(customer.user_key, 0),
    coalesce(product.product_key, 0),
    line.user_id,
    line.vendor_id,
    line.product_id,
    line.quantity,
    line.unit_price,
    line.quantity * line.unit_price,
    line.currency,
    line.status,
    line.channel,
    line.region,
    line.discount_code,
    date :'day'
from floor.stage_orders as line
left join floor.dim_user as customer
    on customer.user_id = line.user_id
        and line.order_ts >= customer.valid_from
        and line.order_ts < customer.valid_to
left join floor.dim_product as product
    on product.vendor_id = line.vendor_id
        and product.product_id = line.product_id
        and line.order_ts >= product.valid_from
        and line.order_ts < product.valid_to
where line.order_date <> date :'day';

alter table floor.fact_orders attach partition floor.fact_orders_of_day
    for values from (:'day') to (date :'day' + 1);

analyze floor.fact_orders_of_day (order_id, user_key, product_key);
