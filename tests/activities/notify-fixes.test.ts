import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNotifyActivities } from '../../activities/notify.ts'
import { loadConfig } from '../../platform/config.ts'
import { runActivity } from '../support/run-activity.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

const date = '2025-12-08'
const runKey = `ecommerce_daily/${date}`

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test('a mail of findings says how many records of the day count as somebody corrected them', async () => {
  await database.db.query(`
    insert into warehouse.metric_scores values ('main', '${date}', 'orders', 'all', 'all', 310, 1000,
      0.14, -8, 56, 'scored', true, 'robust_z_v1');
    insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state, graph)
    values ('booked', '${runKey}', 'ecommerce_daily', '${date}', 'manual', 'success', '{}');
    insert into audit.source_files
      (source, load_date, path, sha256, bytes, format, state, records_received, run_id)
    values ('orders', '${date}', 'orders.json', 'x', 9, 'json', 'loaded', 5, 'booked');
    insert into audit.record_fixes (source, load_date, path, sha256, record_no, action,
      record_before, record_after, made_by, reason, published_at)
    select 'orders', '${date}', 'orders.json', sha256, record_no, action, '{}', '{}', 'ada', 'seen', now()
    from (values ('x', 1, 'fix'), ('x', 2, 'fix'), ('x', 3, 'drop'), ('older', 1, 'fix'))
      as decided (sha256, record_no, action)`)
  const config = loadConfig({ DAYBOOK_HOME: tempFolder('mail') })
  const { notify } = createNotifyActivities({ database: database.db, config })
  await runActivity(database.db, { runKey, taskId: 'notify' }, notify, { date, shopId: 'main' })
  const mails = await database.db.query<{ body_text: string; body_html: string }>(
    'select body_text, body_html from audit.outbox',
  )
  expect(mails.rows).toEqual([
    {
      body_text: expect.stringContaining(`Records of ${date} that were corrected in quarantine: 2`),
      body_html: expect.stringContaining('corrected in quarantine: 2'),
    },
  ])
})
