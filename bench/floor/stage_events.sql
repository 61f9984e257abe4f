-- Typed events, each with a bit for every rule that it breaks. COPY has split the lines already, and
-- read empty fields as null.
create unlogged table floor.stage_events as
with

typed as (
    select
        ctid as place,
        nullif(trim(event_id), '') as event_id,
        nullif(trim(user_id), '') as user_id,
        nullif(trim(product_id), '') as product_id,
        event_type,
        event_ts as event_ts_text,
        case
            when event_ts like '____-__-__%' and pg_input_is_valid(event_ts, 'timestamptz')
                then event_ts::timestamptz
        end as event_ts,
        session_id,
        url,
        user_agent
    from floor.raw_events
    offset 0
)

select
    place,
    coalesce(
        event_id,
        md5(concat_ws(
            '|', coalesce(user_id, ''), coalesce(product_id, ''), event_type, event_ts_text,
            coalesce(session_id, ''), coalesce(url, '')
        ))
    ) as event_id,
    user_id,
    product_id,
    event_type,
    event_ts,
    event_ts::date as event_date,
    session_id,
    url,
    user_agent,
    case when event_type is null then 1 else 0 end
    + case
        when event_type not in ('page_view', 'view_product', 'add_to_cart', 'checkout', 'purchase') then 2
        else 0
    end
    + case when product_id is null and event_type <> 'page_view' then 4 else 0 end
    + case when event_ts_text is null then 8 when event_ts is null then 16 else 0 end
    + case when event_ts >= timestamptz :'day' + interval '1 day' then 32 else 0 end
    + case when event_ts < timestamptz :'day' - interval '35 days' then 64 else 0 end
    + case
        when greatest(length(event_id), length(user_id), length(product_id)) > 200 then 128
        else 0
    end as broken
from typed;

insert into floor.broken_rules
select
    'events',
    rule.name,
    count(*)
from floor.stage_events
inner join (
    values
    (0, 'event_type_required'),
    (1, 'event_type_accepted'),
    (2, 'product_id_required'),
    (3, 'event_ts_required'),
    (4, 'event_ts_type'),
    (5, 'event_ts_not_future'),
    (6, 'event_ts_not_too_old'),
    (7, 'key_length')
) as rule (bit, name) on (broken >> rule.bit) & 1 = 1
where broken <> 0
group by rule.name;

with

bad as (
    delete from floor.stage_events
    where broken <> 0
    returning place
)

update floor.loads
set quarantined = quarantined + (select count(*) from bad)
where source = 'events';

-- Hashes of keys take half the time of keys to be told apart; what they find is looked at again.
with

suspects as materialized (
    select hashtextextended(event_id, 0) as hash
    from floor.stage_events
    group by hash
    having count(*) > 1
),

copies as materialized (
    select
        event.ctid,
        row_number() over (partition by event.event_id order by event.place desc) as recency
    from floor.stage_events as event
    inner join suspects on suspects.hash = hashtextextended(event.event_id, 0)
),

older as (
    delete from floor.stage_events
    where ctid = any(array(select ctid from copies where recency > 1))
    returning place
)

update floor.loads
set duplicates = (select count(*) from older)
where source = 'events';

analyze floor.stage_events (event_id, user_id, product_id, event_date, event_ts, session_id);

create unlogged table floor.event_users as
select distinct user_id from floor.stage_events where user_id is not null;

create unlogged table floor.event_products as
select distinct product_id from floor.stage_events where product_id is not null;
