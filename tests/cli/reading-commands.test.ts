import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSummary } from '../../cli/daily-summary.ts'
import { runCli } from '../support/run-cli.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
  await database.db.query(`
    insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state,
      started_at, ended_at, failed_tasks, error, graph, task_states) values
    ('r0', 'ecommerce_daily/2025-12-13', 'ecommerce_daily', '2025-12-13', 'schedule', 'failed',
     '2025-12-14 02:00Z', '2025-12-14 02:00:09Z', '{dq_checks}', 'checks failed', '{}', '{}'),
    ('r1', 'ecommerce_daily/2025-12-13', 'ecommerce_daily', '2025-12-13', 'manual', 'success',
     '2025-12-14 03:00Z', '2025-12-14 03:00:04.5Z', '{}', null, '{}',
     '{"extract_products": {"state": "skipped", "reason": "products_due chose nothing"}}'),
    ('r2', 'ecommerce_daily/2025-12-14', 'ecommerce_daily', '2025-12-14', 'manual', 'running',
     '2025-12-15 03:00Z', null, '{}', null, '{}', '{}');
    insert into audit.task_runs (run_id, task_id, attempt, run_key, state, worker, ended_at, rows_in,
      rows_out, rows_rejected) values
    ('r1', 'extract_orders', 1, 'ecommerce_daily/2025-12-13', 'success', 'w', now(), 1000, 990, 10);
    insert into audit.source_files (source, load_date, path, sha256, bytes, format, state,
      records_received, records_loaded, records_quarantined, records_duplicate, run_id) values
    ('orders', '2025-12-13', 'orders/2025-12-13/orders.json', 'x', 9, 'json', 'loaded',
     1000, 985, 10, 5, 'r1');
    insert into audit.bad_records (file_id, record_no, source, load_date, record_id, rules, problems,
      record, run_id)
    select file_id, 7, 'orders', '2025-12-13', 'O-7', '{price_positive,quantity_positive}',
      '[{"rule": "price_positive", "column": "price", "value": "-1"}]', '{"order_id": "O-7"}', 'r1'
    from audit.source_files;
    insert into audit.dq_results (run_id, check_id, dag_id, logical_date, table_name, severity,
      is_passed, expected, actual) values
    ('r1', 'orders_volume', 'ecommerce_daily', '2025-12-13', 'staging.orders_clean', 'critical',
     true, '100 to 500000', '985'),
    ('r1', 'orders_fresh', 'ecommerce_daily', '2025-12-13', 'staging.orders_clean', 'warn',
     false, 'today', 'yesterday');
    insert into audit.publications (shop_id, version, run_id, logical_date, changes, restatement)
    values ('main', 1, 'r1', '2025-12-13', '{}', '{
      "figures": [{"metric": "net_revenue", "before": "24.69", "after": "3"}],
      "rows": [{"table": "fact_orders", "date": "2025-12-11", "inserted": 0, "deleted": 1}]}');
    insert into warehouse.anomalies (anomaly_id, order_id, stock_code, quantity, median_qty,
      std_deviation, z_score, alert_timestamp)
    values (1, 'O-9', 'P-1', 99, 2, 1, 97, now());
    insert into warehouse.order_scores (anomaly_id, shop_id, order_date, line_no, vendor_id,
      history_orders, threshold_qty)
    values (1, 'main', '2025-12-13', 1, 'SHOPNOW', 40, 4);
    insert into audit.outbox (dedupe_key, kind, run_id, run_key, recipients, subject, body_text,
      body_html, message_id)
    values ('k', 'findings', 'r1', 'ecommerce_daily/2025-12-13', '{a@b.c}', 's', 't', 'h', 'm');
  `)
})

afterAll(() => database.drop())

const daybook = (...args: string[]) => runCli(args, { DATABASE_URL: database.url })

test('runs lists every execution, the newest day first', async () => {
  const { stdout, code } = await daybook('runs', '--json')
  expect(code).toBe(0)
  const runs = JSON.parse(stdout) as { run_id: string }[]
  expect(runs.map((run) => run.run_id)).toEqual(['r2', 'r1', 'r0'])
  const failed = await daybook('runs', '--state', 'failed')
  expect(failed.stdout).toMatch(/ecommerce_daily\/2025-12-13 +failed +schedule .* 9\.0 +dq_checks/)
  expect(failed.stdout).not.toContain('manual')
})

test('show finds the last run of a date, with attempts, skipped tasks, files and checks', async () => {
  const { stdout, code } = await daybook('show', '2025-12-13')
  expect(code).toBe(0)
  expect(stdout).toContain('ecommerce_daily/2025-12-13  success')
  expect(stdout).toMatch(/extract_orders +success +1 .* 1,000 +990 +10/)
  expect(stdout).toMatch(/extract_products +skipped .* products_due chose nothing/)
  expect(stdout).toMatch(/orders\.json +loaded +1,000 +985 +10 +0 +5/)
  expect(stdout).toMatch(/orders_fresh +FAILED \(warn\)/)
  const earlier = await daybook('show', 'r0', '--json')
  expect(JSON.parse(earlier.stdout)).toMatchObject({ state: 'failed', error: 'checks failed' })
})

test('show says what a run restated: figures before and after, rows by date', async () => {
  const { stdout } = await daybook('show', '2025-12-13')
  expect(stdout).toMatch(/Restated\n.*before +after\n.*\nnet_revenue +24\.69 +3\n/)
  expect(stdout).toMatch(/fact_orders +2025-12-11 +1 +0\n/)
  const { restatement } = JSON.parse((await daybook('show', 'r1', '--json')).stdout)
  expect(restatement.figures).toEqual([{ metric: 'net_revenue', before: '24.69', after: '3' }])
  expect(JSON.parse((await daybook('show', 'r0', '--json')).stdout).restatement).toBeNull()
})

test('show of a run that is not there is bad input', async () => {
  const { stderr, code } = await daybook('show', '1999-01-01')
  expect(stderr).toContain('There is no run ecommerce_daily/1999-01-01')
  expect(code).toBe(2)
})

test('quarantine counts by source, day and rule, and lists records with file and number', async () => {
  const { stdout } = await daybook('quarantine', '--rule', 'price_positive')
  expect(stdout).toMatch(/orders +2025-12-13 +price_positive +1\n/)
  expect(stdout).toMatch(
    /orders\/2025-12-13\/orders\.json:7 +O-7 +price_positive, quantity_positive/,
  )
  const none = await daybook('quarantine', 'list', '--to', '2025-12-01', '--json')
  expect(JSON.parse(none.stdout)).toEqual({
    ...{ groups: [], records: [], total: 0, waiting: [], outdated: [] },
  })
})

test('anomalies lists unusual orders', async () => {
  const { stdout } = await daybook('anomalies', '--date', '2025-12-13')
  expect(stdout).toMatch(/2025-12-13 +main +O-9 +P-1 +99 +2 +1 +97 +NEW/)
})

test('the summary counts what became of each day, by its last run', async () => {
  expect(await readSummary(database.db, 'ecommerce_daily')).toEqual([
    {
      ...{ date: '2025-12-13', state: 'success', received: 1000, loaded: 985, quarantined: 10 },
      ...{
        duplicates: 5,
        checksPassed: 1,
        checksWarned: 1,
        checksFailed: 0,
        anomalies: 1,
        mails: 1,
        seconds: 4.5,
      },
    },
    {
      ...{ date: '2025-12-14', state: 'running', received: 0, loaded: 0, quarantined: 0 },
      ...{
        duplicates: 0,
        checksPassed: 0,
        checksWarned: 0,
        checksFailed: 0,
        anomalies: 0,
        mails: 0,
        seconds: null,
      },
    },
  ])
  expect(await readSummary(database.db, 'online_retail_daily')).toEqual([])
})
