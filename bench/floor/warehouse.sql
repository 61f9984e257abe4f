-- The tables that stand before the day begins: readers' tables, empty.
create schema floor;

create table floor.dim_user (
    user_key bigint not null,
    user_id text not null,
    customer_name text,
    customer_email text,
    customer_country text,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    is_inferred boolean not null
);

create table floor.dim_product (
    product_key bigint not null,
    vendor_id text not null,
    product_id text not null,
    name text,
    category text,
    price numeric,
    currency text,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    is_inferred boolean not null
);

create table floor.fact_orders (
    order_id text not null,
    line_no integer not null,
    order_date date not null,
    order_ts timestamptz,
    user_key bigint,
    product_key bigint,
    user_id text,
    vendor_id text,
    product_id text,
    quantity integer,
    unit_price numeric,
    gross_amount numeric,
    currency text,
    status text,
    channel text,
    region text,
    discount_code text,
    delivery_date date,
    primary key (order_id, line_no, order_date)
) partition by range (order_date);

create table floor.fact_events (
    event_id text not null,
    event_date date not null,
    event_ts timestamptz,
    user_key bigint,
    product_key bigint,
    user_id text,
    product_id text,
    event_type text,
    session_id text,
    url text,
    delivery_date date,
    primary key (event_id, event_date)
) partition by range (event_date);

create table floor.daily_metrics (
    metric_date date not null,
    metric text not null,
    dimension text not null,
    segment text not null,
    value numeric,
    primary key (metric_date, metric, dimension, segment)
);

-- Records come up to three days late: those days have their partitions. The day's own is to be made.
do $$
declare
    earlier date;
begin
    for earlier in select generate_series(date :'day' - 3, date :'day' - 1, interval '1 day') loop
        execute format(
            'create table floor.fact_orders_p%s partition of floor.fact_orders for values from (%L) to (%L)',
            to_char(earlier, 'YYYYMMDD'), earlier, earlier + 1
        );
        execute format(
            'create table floor.fact_events_p%s partition of floor.fact_events for values from (%L) to (%L)',
            to_char(earlier, 'YYYYMMDD'), earlier, earlier + 1
        );
    end loop;
end
$$;
