import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Worker } from '@temporalio/worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMailActivities } from '../../activities/deliver-mail.ts'
import { loadConfig } from '../../platform/config.ts'
import { startMailServer, type MailServer } from '../support/mail-server.ts'
import {
  testDatabase,
  testTemporal,
  type TestDatabase,
  type TestTemporal,
} from '../support/servers.ts'

let database: TestDatabase
let temporal: TestTemporal
let server: MailServer
beforeAll(async () => {
  database = await testDatabase()
  temporal = await testTemporal()
  server = await startMailServer()
})
afterAll(async () => {
  await server.close()
  await temporal.close()
  await database.drop()
})

test('the workflow deliver_mail drains the outbox', async () => {
  await database.db.query(
    `insert into audit.outbox (dedupe_key, kind, run_id, run_key, recipients, subject, body_text, body_html, message_id)
     select 'key ' || n, 'failure', 'run', 'ecommerce_daily/2025-12-15', '{books@example.org}', 'Mail ' || n, 'text', '<p>text</p>', '<' || n || '@example.org>'
     from generate_series(1, 3) n`,
  )
  const config = loadConfig({ SMTP_URL: server.url, MAIL_TO: 'books@example.org' })
  const worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace,
    taskQueue: temporal.taskQueue,
    workflowsPath: join(import.meta.dirname, '../../workflows/deliver-mail.ts'),
    activities: createMailActivities({ database: database.db, config }),
  })
  const counts = await worker.runUntil(
    temporal.client.workflow.execute('deliver_mail', {
      taskQueue: temporal.taskQueue,
      workflowId: `deliver_mail-${randomUUID()}`,
    }),
  )
  expect(counts).toEqual({ sent: 3, kept: 0, refused: 0, postponed: 0 })
  expect(server.mails.map((mail) => mail.subject)).toEqual(['Mail 1', 'Mail 2', 'Mail 3'])
})
