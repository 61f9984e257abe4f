import { test } from 'vitest'
import { createMetricActivities } from '../../activities/compute-metrics.ts'
import { createQualityActivities } from '../../activities/check-quality.ts'
import { beginTable, buildFor } from '../../platform/build.ts'
import { inTransaction } from '../../platform/database.ts'
import { ensurePartition } from '../../platform/partitions.ts'
import { runActivity } from '../support/run-activity.ts'
import { testDatabase } from '../support/servers.ts'
test('perf', async () => {
  const { db, drop } = await testDatabase()
  const date = '2025-02-28'
  await inTransaction(db, async (t) => {
    await t.query(`set local synchronous_commit=off`)
    for (let n = 0; n < 30; n++) await ensurePartition(t, 'warehouse.fact_orders', new Date(Date.UTC(2025, 1, 1 + n)).toISOString().slice(0, 10))
    await t.query(`insert into warehouse.fact_orders select 'main', d||'-'||n, 1, d::date, 0, d, 0,0,'U'||floor(random()*50000),'V'||n%10,'P'||floor(random()^2*3000), 1+floor(random()*5)::int, 1,1,'EUR','paid','product','web','north',null,false,d::date,1,1 from generate_series('2025-02-01'::timestamptz,'2025-02-27','1 day') d, generate_series(1,100000) n`)
    const build = buildFor(`ecommerce_daily/${date}`, 'main')
    await beginTable(t, build, 'fact_orders', { sql: `select 'main' as shop_id, '${date}-'||n as order_id from generate_series(1,100000) n`, params: [] })
    await t.query(`insert into ${build.schema}.fact_orders select 'main', '${date}-'||n, 1, d::date, 0, d, 0,0,'U'||floor(random()*50000),'V'||n%10,'P'||floor(random()^2*3000), 1+floor(random()*5)::int, 1,1,'EUR','paid','product','web','north',null,false,d::date,1,1 from generate_series('${date}'::timestamptz,'${date}','1 day') d, generate_series(1,100000) n`)
    await beginTable(t, build, 'fact_events', { sql: `select 'main' as shop_id, 'e'||n as event_id from generate_series(1,400000) n`, params: [] })
    await t.query(`insert into ${build.schema}.fact_events select 'main','e'||n,'${date}',0,'${date}',0,0,'U'||n%50000,'P',(array['page_view','view_product','add_to_cart','checkout','purchase'])[1+n%5],'s'||n/8,null,'${date}',1,n from generate_series(1,400000) n`)
    await t.query('analyze warehouse.fact_orders'); await t.query(`analyze ${build.schema}.fact_orders`); await t.query(`analyze ${build.schema}.fact_events`)
    await ensurePartition(t, 'staging.orders_clean', date); await ensurePartition(t, 'staging.events_clean', date)
    await t.query(`insert into staging.orders_clean (shop_id, order_id, line_no, user_id, vendor_id, product_id, quantity, unit_price, currency, status, line_type, order_ts, order_date, is_exact_copy, load_date, file_id, record_no)
  select shop_id, order_id, line_no, user_id, vendor_id, product_id, quantity, unit_price, currency, status, line_type, order_ts, order_date, is_exact_copy, '${date}', 1, 1 from ${build.schema}.fact_orders`)
    await t.query(`insert into staging.events_clean (shop_id, event_id, user_id, product_id, event_type, event_ts, event_date, session_id, load_date, file_id, record_no)
  select shop_id, event_id, user_id, product_id, event_type, event_ts, event_date, session_id, '${date}', 1,1 from ${build.schema}.fact_events`)
  })
  for (let i = 0; i < 2; i++) {
    let t0 = Date.now()
    const q = await runActivity(db, { runKey: `ecommerce_daily/${date}`, taskId: 'q' }, createQualityActivities({ database: db }).checkQuality, { date, dagId: 'ecommerce_daily', sources: { o: 'staging.orders_clean', e: 'staging.events_clean' } })
    console.log('checks', Date.now() - t0, JSON.stringify(q)); t0 = Date.now()
    const out = await runActivity(db, { runKey: `ecommerce_daily/${date}`, taskId: 's' }, createMetricActivities({ database: db }).computeDailyMetrics, { date, shopId: 'main' })
    console.log('metrics', Date.now() - t0, JSON.stringify(out))
    await db.query('analyze staging.orders_clean, staging.events_clean')
  }
  await drop()
}, 300000)
