-- Dimensions are SCD2: versions of a member cover all of time, [valid_from, valid_to), no gap, no
-- overlap. Keys are hashes of the natural key and valid_from, so that the same staging rows give the
-- same keys in whatever order days are loaded. Key 0 stands for "nobody" and "nothing".

create table warehouse.dim_date (
    date_key integer primary key,
    calendar_date date not null unique,
    year smallint not null,
    quarter smallint not null,
    month smallint not null,
    month_name text not null,
    day_of_month smallint not null,
    iso_year smallint not null,
    iso_week smallint not null,
    iso_day_of_week smallint not null,
    day_name text not null,
    is_weekend boolean not null
);

create table warehouse.dim_user (
    user_key bigint primary key,
    shop_id text not null,
    user_id text not null,
    customer_name text,
    customer_email text,
    customer_country text,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    is_current boolean not null generated always as (valid_to = 'infinity') stored,
    is_inferred boolean not null,
    check (valid_from < valid_to),
    unique (shop_id, user_id, valid_from)
);
create unique index dim_user_current on warehouse.dim_user (shop_id, user_id) where valid_to = 'infinity';

create table warehouse.dim_product (
    product_key bigint primary key,
    shop_id text not null,
    vendor_id text not null,
    product_id text not null,
    name text,
    category text,
    price numeric,
    currency text,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    is_current boolean not null generated always as (valid_to = 'infinity') stored,
    is_inferred boolean not null,
    check (valid_from < valid_to),
    unique (shop_id, vendor_id, product_id, valid_from)
);
create unique index dim_product_current on warehouse.dim_product (shop_id, vendor_id, product_id)
where valid_to = 'infinity';

insert into warehouse.dim_user
    (user_key, shop_id, user_id, customer_name, valid_from, valid_to, is_inferred)
values (0, '*', '(anonymous)', 'Anonymous visitor', '-infinity', 'infinity', false);
insert into warehouse.dim_product
    (product_key, shop_id, vendor_id, product_id, name, valid_from, valid_to, is_inferred)
values (0, '*', '*', '(none)', 'No product', '-infinity', 'infinity', false);

-- grain: one row an order line, on its business date, as of its latest delivery.
-- line_type: product, postage, fee, discount, sample, voucher, manual, stock_correction.
create table warehouse.fact_orders (
    shop_id text not null,
    order_id text not null,
    line_no integer not null,
    order_date date not null,
    date_key integer not null,
    order_ts timestamptz not null,
    user_key bigint not null,
    product_key bigint not null,
    user_id text,
    vendor_id text not null,
    product_id text not null,
    quantity integer not null,
    unit_price numeric not null,
    gross_amount numeric not null,
    currency text not null,
    status text not null,
    line_type text not null,
    channel text,
    region text,
    discount_code text,
    is_exact_copy boolean not null,
    delivery_date date not null,
    file_id bigint not null,
    record_no integer not null,
    primary key (shop_id, order_id, line_no, order_date)
) partition by range (order_date);

-- grain: one row a click event, on its business date.
create table warehouse.fact_events (
    shop_id text not null,
    event_id text not null,
    event_date date not null,
    date_key integer not null,
    event_ts timestamptz not null,
    user_key bigint not null,
    product_key bigint not null,
    user_id text,
    product_id text,
    event_type text not null,
    session_id text,
    url text,
    delivery_date date not null,
    file_id bigint not null,
    record_no integer not null,
    primary key (shop_id, event_id, event_date)
) partition by range (event_date);

-- grain: one row a shop, business date, metric and segment. Figures are defined in sql/metrics.
create table warehouse.daily_metrics (
    shop_id text not null,
    metric_date date not null,
    metric text not null,
    dimension text not null default 'all',
    segment text not null default 'all',
    value numeric,
    primary key (shop_id, metric_date, metric, dimension, segment)
);

create table warehouse.anomalies (
    anomaly_id bigint primary key,
    order_id text not null,
    stock_code text not null,
    quantity integer not null,
    median_qty numeric not null,
    std_deviation numeric not null,
    z_score numeric,
    alert_timestamp timestamptz not null,
    status text not null default 'NEW'
        check (status in ('NEW', 'REVIEWED', 'RESOLVED', 'FALSE_POSITIVE')),
    investigator_notes text,
    created_at timestamptz not null default now()
);

-- What an anomaly's score was made from.
create table warehouse.order_scores (
    anomaly_id bigint primary key references warehouse.anomalies on delete cascade,
    shop_id text not null,
    order_date date not null,
    line_no integer not null,
    vendor_id text not null,
    history_orders integer not null,
    threshold_qty numeric not null
);
create index order_scores_by_date on warehouse.order_scores (shop_id, order_date);

-- state: scored, learning (too little history), no_data (nothing arrived for the day).
create table warehouse.metric_scores (
    shop_id text not null,
    metric_date date not null,
    metric text not null,
    dimension text not null,
    segment text not null,
    value numeric,
    expected numeric,
    scale numeric,
    z_score numeric,
    history_days integer not null,
    state text not null check (state in ('scored', 'learning', 'no_data')),
    is_anomaly boolean not null,
    method text not null,
    primary key (shop_id, metric_date, metric, dimension, segment)
);
