export const date = '2025-12-16'
/** Two hundred orders, six hundred events and a catalogue with which nothing is wrong. */
export const goodDay = `
  truncate staging.orders_clean, staging.events_clean, staging.products_clean,
    staging.online_retail_clean, audit.source_files, audit.bad_records, audit.duplicate_records,
    audit.published_loads, audit.dq_results, audit.dq_failures, audit.delivery_profiles cascade;
  insert into staging.orders_clean (shop_id, order_id, line_no, user_id, vendor_id, product_id,
    quantity, unit_price, currency, status, line_type, order_ts, order_date, is_exact_copy,
    load_date, file_id, record_no)
  select 'main', 'o' || n, 1, 'u' || n, 'SHOPNOW', 'p1', 1, 10, 'EUR', 'paid', 'product',
    timestamptz '${date} 10:00Z', '${date}', false, '${date}', 1, n
  from generate_series(1, 200) n;
  insert into staging.events_clean (shop_id, event_id, user_id, product_id, event_type, event_ts,
    event_date, session_id, load_date, file_id, record_no)
  select 'main', 'e' || n, 'u' || n, 'p1', 'view_product', timestamptz '${date} 10:00Z', '${date}',
    's' || n, '${date}', 2, n
  from generate_series(1, 600) n;
  insert into staging.products_clean (shop_id, vendor_id, product_id, name, price, currency,
    effective_ts, load_date, file_id, record_no)
  values ('main', 'SHOPNOW', 'p1', 'Lamp', 10, 'EUR', '${date}', '${date}', 3, 1);
  insert into staging.online_retail_clean (shop_id, order_id, line_no, vendor_id, product_id,
    quantity, unit_price, currency, status, line_type, order_ts, order_date, is_exact_copy,
    load_date, file_id, record_no)
  select 'online_retail', 'i' || n / 10, n, 'ONLINE_RETAIL', 'p1', 1, 2.5, 'GBP', 'paid', 'product',
    timestamptz '${date} 10:00Z', '${date}', false, '${date}', 4, n
  from generate_series(1, 60) n;
  insert into audit.source_files (source, load_date, path, sha256, bytes, format, state,
    records_received, records_loaded, records_quarantined, records_duplicate, run_id)
  values ('orders', '${date}', 'orders.json', '1', 1, 'json', 'loaded', 200, 200, 0, 0, 'r'),
    ('events', '${date}', 'events.csv', '2', 1, 'csv', 'loaded', 600, 600, 0, 0, 'r'),
    ('products', '${date}', 'products.json', '3', 1, 'json', 'loaded', 1, 1, 0, 0, 'r')`

export const ordersSet = (set: string, where = 'true') =>
  `update staging.orders_clean set ${set} where ${where}`
const eventsSet = (set: string, where = 'true') =>
  `update staging.events_clean set ${set} where ${where}`
const filesSet = (source: string, set: string) =>
  `update audit.source_files set ${set} where source = '${source}'`

/** Check, what makes it fail, what it says then, keys it shows, and checks that fail along with it. */
type Case = [
  check: string,
  spoil: string,
  actual: string,
  sample?: string | undefined,
  also?: string[],
]
export const criticalCases: Case[] = [
  ['orders_volume', `delete from staging.orders_clean where record_no > 99`, '99'],
  ['events_volume', `delete from staging.events_clean where record_no > 499`, '499'],
  [
    'products_volume',
    `truncate staging.products_clean`,
    '0',
    undefined,
    ['events_known_products', 'orders_known_products'],
  ],
  ['orders_unique_key', ordersSet(`order_id = 'o1'`, 'record_no = 2'), '1', 'o1/1'],
  ['events_unique_key', eventsSet(`event_id = 'e1'`, 'record_no = 2'), '1', 'e1'],
  [
    'products_unique_key',
    `insert into staging.products_clean select * from staging.products_clean`,
    '1',
    'SHOPNOW/p1/2025-12-16 00:00:00+00',
  ],
  ['orders_revenue', ordersSet('unit_price = 0'), '0'],
  [
    'orders_no_future',
    ordersSet(`order_date = '2099-01-01', order_ts = '2099-01-01'`, 'record_no = 7'),
    '1',
    'o7/1',
  ],
  ['events_no_future', eventsSet(`event_date = '2099-01-01'`, 'record_no = 7'), '1', 'e7'],
  ['orders_status_accepted', ordersSet(`status = 'lost'`, 'record_no = 5'), '1', 'o5/1'],
  ['orders_line_type_accepted', ordersSet(`line_type = 'gift'`, 'record_no = 5'), '1', 'o5/1'],
  ['events_type_accepted', eventsSet(`event_type = 'sneeze'`, 'record_no = 5'), '1', 'e5'],
  [
    'orders_freshness',
    ordersSet(`order_date = load_date - 1`, 'record_no <= 101'),
    '50.5%',
    'o1/1',
  ],
  ['events_freshness', eventsSet(`event_date = load_date - 1`, 'record_no <= 303'), '50.5%', 'e1'],
  ['products_price_positive', `update staging.products_clean set price = 0`, '1', 'SHOPNOW/p1'],
  ['orders_conservation', filesSet('orders', 'records_received = 201'), '1', 'orders.json'],
  ['events_conservation', filesSet('events', 'records_loaded = null'), '1', 'events.csv'],
  [
    'products_conservation',
    filesSet('products', 'records_duplicate = 1'),
    '1',
    'products.json',
    ['products_duplicate_share'],
  ],
  [
    'orders_quarantine_limit',
    filesSet('orders', 'records_quarantined = 11, records_loaded = 189'),
    '5.5%',
    undefined,
    ['orders_quarantine_share'],
  ],
  [
    'events_quarantine_limit',
    filesSet('events', 'records_quarantined = 31, records_loaded = 569'),
    '5.17%',
    undefined,
    ['events_quarantine_share'],
  ],
  [
    'products_quarantine_limit',
    filesSet('products', 'records_quarantined = 1, records_loaded = 0'),
    '100%',
    undefined,
    ['products_quarantine_share'],
  ],
]

/** Days of a source before the day, of `records` records, twice that, three times and so on. */
export const published = (source: string, count: number, everyDays: number, records = 161) => `
  insert into audit.published_loads (source, load_date, run_id, business_dates, records_received,
    records_loaded, records_quarantined, records_duplicate)
  select '${source}', date '${date}' - n * ${everyDays}, 'r', '{}', ${records} * n, ${records} * n, 0, 0
  from generate_series(1, ${count}) n;`
/** Profiles of the days before, all alike. */
export const profiles = (
  source: string,
  days: number,
  kind: 'segment' | 'share' | 'level',
  measure: string,
  values: Record<string, number>,
) =>
  Object.entries(values)
    .map(
      ([segment, value]) => `
    insert into audit.delivery_profiles
    select '${source}', date '${date}' - n, false, '${kind}', '${measure}', '${segment}', ${value}
    from generate_series(1, ${days}) n;`,
    )
    .join('')

// PSI of 100 % against 50 % / 50 %: 0.5 ln 2 + 0.4999 ln 5000.
export const warnCases: Case[] = [
  [
    'orders_quarantine_share',
    filesSet('orders', 'records_quarantined = 5, records_loaded = 195'),
    '2.5%',
  ],
  [
    'orders_duplicate_share',
    filesSet('orders', 'records_duplicate = 5, records_loaded = 195'),
    '2.5%',
  ],
  [
    'events_duplicate_share',
    filesSet('events', 'records_duplicate = 13, records_loaded = 587'),
    '2.17%',
  ],
  [
    'products_duplicate_share',
    filesSet('products', 'records_duplicate = 1, records_loaded = 0'),
    '100%',
  ],
  ['orders_customer_null_share', ordersSet('user_id = null', 'record_no <= 81'), '40.5%', 'o1/1'],
  ['events_anonymous_share', eventsSet('user_id = null', 'record_no <= 363'), '60.5%', 'e1'],
  ['orders_known_products', ordersSet(`product_id = 'p9'`, 'record_no <= 3'), '1.5%', 'o1/1'],
  ['events_known_products', eventsSet(`product_id = 'p9'`, 'record_no <= 9'), '1.5%', 'e1'],
  ['orders_one_currency', ordersSet(`currency = 'USD'`, 'record_no = 1'), '2'],
  ['orders_exact_copies', ordersSet('is_exact_copy = true', 'record_no <= 5'), '2.5%', 'o1/1'],
  [
    'orders_known_columns',
    ordersSet(`extras = '{"coupon": 1, "gift": null}'`, 'record_no <= 2'),
    '2 (coupon, gift)',
    'coupon',
  ],
  ['events_known_columns', eventsSet(`extras = '{"ip": "::1"}'`), '600 (ip)', 'ip'],
  [
    'products_known_columns',
    `update staging.products_clean set extras = '{"ean": 1}'`,
    '1 (ean)',
    'ean',
  ],
  // The median of 4 past volumes, 161, 322, 483 and 644, is 402.5.
  ['orders_usual_volume', published('orders', 4, 7), '0.4969'],
  [
    'orders_status_drift',
    profiles('orders', 7, 'segment', 'status', { ':paid': 0.5, ':pending': 0.5 }),
    '4.6043 (status)',
  ],
  [
    'events_type_drift',
    profiles('events', 7, 'segment', 'event_type', { ':view_product': 0.5, ':purchase': 0.5 }),
    '4.6043 (event_type)',
  ],
  // PSI of 100 % of no channel against 50 % / 50 %: 0.9999 ln 10000 + 2 * 0.4999 ln 5000.
  [
    'orders_mix_drift',
    profiles('orders', 7, 'segment', 'channel', { ':web': 0.5, ':app': 0.5 }) +
      profiles('orders', 7, 'segment', 'vendor_id', { ':SHOPNOW': 0.9, ':V001': 0.1 }),
    '17.7249 (channel)',
  ],
  // Of 200 orders half used to have no customer: pi / 2 over the root of 1 / 200 + 0.02 squared.
  [
    'orders_usual_shares',
    profiles('orders', 7, 'share', 'user_id missing', { '': 0.5 }),
    '21.38 (user_id missing)',
  ],
  // Prices of 10 used to be 100: ln 10 / 0.05.
  [
    'orders_usual_levels',
    profiles('orders', 7, 'level', 'unit_price level', { '': Math.log(100) }),
    '46.05 (unit_price level)',
  ],
]

/** As the others; the milder check of the same number fails along with it. */
export const errorCases: Case[] = [
  // The median of 4 past volumes, 401, 802, 1203 and 1604, is 1002.5.
  [
    'orders_plausible_volume',
    published('orders', 4, 7, 401),
    '0.1995',
    undefined,
    ['orders_usual_volume'],
  ],
  // The median of 4 past volumes, 10, 20, 30 and 40, is 25.
  [
    'events_plausible_volume',
    published('events', 4, 7, 10),
    '24',
    undefined,
    ['events_usual_volume'],
  ],
]
