import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createMailActivities } from '../../activities/deliver-mail.ts'
import { createNotifyActivities } from '../../activities/notify.ts'
import { loadConfig } from '../../platform/config.ts'
import {
  startDroppingMailServer,
  startMailServer,
  type MailServer,
} from '../support/mail-server.ts'
import { runActivity } from '../support/run-activity.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

const date = '2025-12-15'
const shopId = 'main'
const runKey = `ecommerce_daily/${date}`

let database: TestDatabase
let homeDir: string
let server: MailServer
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  homeDir = await mkdtemp(join(tmpdir(), 'daybook-notify-'))
  server = await startMailServer()
  await database.db.query(
    'truncate audit.outbox, audit.dq_results, audit.published_loads, warehouse.anomalies, warehouse.metric_scores cascade',
  )
})
afterEach(async () => {
  await server.close()
  await rm(homeDir, { recursive: true })
})

function activities(smtpUrl: string | undefined, mailTo = 'books@example.org') {
  const config = loadConfig({
    SMTP_URL: smtpUrl,
    MAIL_FROM: 'Daybook <daybook@example.org>',
    MAIL_TO: mailTo,
    DAYBOOK_HOME: homeDir,
  })
  const deps = { database: database.db, config }
  const { notify, notifyFailure } = createNotifyActivities(deps)
  const { deliverMail } = createMailActivities(deps)
  const run = { runKey, taskId: 'notify' }
  return {
    notify: (on = date) =>
      runActivity(database.db, { ...run, runKey: `ecommerce_daily/${on}` }, notify, {
        date: on,
        shopId,
      }),
    notifyFailure: (runId: string) =>
      runActivity(database.db, { ...run, taskId: 'on_failure', runId }, notifyFailure, {
        dagId: 'ecommerce_daily',
        date,
        runKey,
        failedTasks: ['dq_checks'],
        reason: 'ChecksFailed: 1 critical check failed',
      }),
    deliverMail: () =>
      runActivity(
        database.db,
        { runKey: 'deliver_mail', taskId: 'deliver_mail' },
        () => deliverMail(),
        null,
      ),
  }
}

async function plantOrderAnomaly(id: number, orderDate = date, status = 'NEW') {
  await database.db.query(
    `insert into warehouse.anomalies (anomaly_id, order_id, stock_code, quantity, median_qty, std_deviation, z_score, alert_timestamp, status)
     values ($1::bigint, 'O-' || $1::bigint, 'P-1', 500, 2, 1, 498, now(), $2)`,
    [id, status],
  )
  await database.db.query(
    `insert into warehouse.order_scores values ($1, $2, $3, 1, 'SHOPNOW', 10, 4)`,
    [id, shopId, orderDate],
  )
}
async function plantMetricAnomaly(metric: string, zScore = -8) {
  await database.db.query(
    `insert into warehouse.metric_scores values ($1, $2, $3, 'all', 'all', 310, 1000, 0.14, $4, 56, 'scored', true, 'robust_z_v1')
     on conflict (shop_id, metric_date, metric, dimension, segment) do update set z_score = excluded.z_score`,
    [shopId, date, metric, zScore],
  )
}
async function outbox() {
  const rows = await database.db.query<Record<string, unknown>>(
    'select *, next_attempt_at > now() as is_later from audit.outbox order by mail_id',
  )
  return rows.rows
}
const makeDue = () => database.db.query('update audit.outbox set next_attempt_at = now()')

describe('findings', () => {
  test('are mailed in one mail a run, as HTML and text', async () => {
    await plantOrderAnomaly(1)
    await plantOrderAnomaly(2)
    await plantMetricAnomaly('orders')
    expect(await activities(server.url).notify()).toEqual({
      findings: 3, sent: 1, kept: 0, refused: 0, postponed: 0,
    }) // prettier-ignore
    expect(server.mails).toHaveLength(1)
    const [mail] = server.mails
    expect(mail?.to).toMatchObject([{ address: 'books@example.org' }])
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain('O-1')
      expect(part).toContain('O-2')
      expect(part).toContain('310 (too low)')
    }
    expect(await outbox()).toMatchObject([{ state: 'sent', attempts: 1, last_error: null }])
  })

  test('none: no mail', async () => {
    await plantOrderAnomaly(1, date, 'FALSE_POSITIVE')
    await plantOrderAnomaly(2, '2025-12-14')
    expect(await activities(server.url).notify()).toMatchObject({ findings: 0, sent: 0 })
    expect(await outbox()).toEqual([])
  })

  test('are never mailed twice: a rerun mails only what is new', async () => {
    const { notify } = activities(server.url)
    await plantOrderAnomaly(1)
    await plantMetricAnomaly('orders')
    await notify()
    expect(await notify()).toMatchObject({ findings: 0, sent: 0 })
    await plantMetricAnomaly('orders', -9)
    await plantOrderAnomaly(2)
    expect(await notify()).toMatchObject({ findings: 1, sent: 1 })
    expect(server.mails).toHaveLength(2)
    expect(server.mails[1]?.text).not.toContain('O-1')
    await plantMetricAnomaly('orders', 9)
    expect(await notify(), 'from too low to too high').toMatchObject({ findings: 1 })
  })

  test('of late records are mailed by the run that delivered them, and by no other', async () => {
    await plantOrderAnomaly(1, '2025-12-13')
    await database.db.query(
      `insert into audit.published_loads values ('orders', $1, 'run', array[date '2025-12-13', $1])`,
      [date],
    )
    const { notify } = activities(server.url)
    expect(await notify()).toMatchObject({ findings: 1 })
    expect(await notify('2025-12-13')).toMatchObject({ findings: 0 })
  })

  test('go to each recipient in a mail of his own; a new recipient gets what he has not had', async () => {
    await plantOrderAnomaly(1)
    await activities(server.url).notify()
    const two = activities(server.url, 'books@example.org,owner@example.org')
    expect(await two.notify()).toMatchObject({ findings: 1, sent: 1 })
    expect(server.mails.map((mail) => mail.to?.[0]?.address)).toEqual([
      'books@example.org',
      'owner@example.org',
    ])
  })

  test('two runs at once mail a shared finding once', async () => {
    await plantOrderAnomaly(1)
    const { notify } = activities(server.url)
    const outputs = await Promise.all([notify(), notify('2025-12-14'), notify('2025-12-13')])
    expect(outputs.map((output) => output.findings).sort()).toEqual([0, 0, 1])
    expect(server.mails).toHaveLength(1)
  })
})

describe('a mail server that does not take the mail', () => {
  test('down: the run goes on, the mail waits and is delivered later, once', async () => {
    const { port, url } = server
    await server.close()
    await plantOrderAnomaly(1)
    const { notify, deliverMail } = activities(url)
    expect(await notify()).toMatchObject({ findings: 1, sent: 0, postponed: 1 })
    expect(await outbox()).toMatchObject([{ state: 'pending', attempts: 1, is_later: true }])
    expect((await outbox())[0]?.['last_error']).toContain('ECONNREFUSED')
    expect(await deliverMail(), 'not due yet').toMatchObject({ sent: 0, postponed: 0 })
    server = await startMailServer(port)
    await makeDue()
    expect(await deliverMail()).toMatchObject({ sent: 1 })
    await makeDue()
    expect(await deliverMail()).toMatchObject({ sent: 0 })
    expect(await notify()).toMatchObject({ findings: 0, sent: 0 })
    expect(server.mails).toHaveLength(1)
    expect(await outbox()).toMatchObject([{ state: 'sent', attempts: 2, last_error: null }])
  })

  test('down: one try shows it; the other mails are not tried', async () => {
    const { url } = server
    const { notifyFailure, deliverMail } = activities(url)
    await server.close()
    for (const runId of ['run-1', 'run-2', 'run-3']) await notifyFailure(runId)
    await makeDue()
    expect(await deliverMail()).toMatchObject({ postponed: 1 })
    server = await startMailServer()
  })

  test('4xx: waits longer each time', async () => {
    await plantOrderAnomaly(1)
    const { notify, deliverMail } = activities(server.url)
    server.mood = 'tempfails'
    await notify()
    await makeDue()
    await deliverMail()
    const waits = await database.db.query<{ minutes: number }>(
      'select round(extract(epoch from next_attempt_at - now()) / 60)::integer as minutes from audit.outbox',
    )
    expect(waits.rows).toEqual([{ minutes: 2 }])
    server.mood = 'takes'
    await makeDue()
    await deliverMail()
    expect(server.mails).toHaveLength(1)
  })

  test('5xx: refused, shown, and not tried again', async () => {
    await plantOrderAnomaly(1)
    const { notify, deliverMail } = activities(server.url)
    server.mood = 'hardfails'
    expect(await notify()).toMatchObject({ refused: 1 })
    server.mood = 'takes'
    await makeDue()
    await deliverMail()
    expect(server.mails).toEqual([])
    expect(await outbox()).toMatchObject([{ state: 'refused' }])
    expect((await outbox())[0]?.['last_error']).toContain('550 no such mailbox')
  })

  test('takes it and drops the connection: sent again under the same Message-ID', async () => {
    const dropping = await startDroppingMailServer(1)
    await plantOrderAnomaly(1)
    const { notify, deliverMail } = activities(dropping.url)
    expect(await notify()).toMatchObject({ postponed: 1 })
    await makeDue()
    expect(await deliverMail()).toMatchObject({ sent: 1 })
    const ids = dropping.taken.map((text) => /^Message-ID: (.*)$/m.exec(text)?.[1])
    expect(ids[0]).toMatch(/^<.+@example\.org>/)
    expect(ids[1]).toBe(ids[0])
    await dropping.close()
  })

  test('refuses the login: no password in the outbox', async () => {
    const login = await startMailServer(0, {
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (auth, _session, callback) => callback(new Error(`no ${auth.password}`)),
    })
    await plantOrderAnomaly(1)
    const url = `smtp://clerk:top-s%40cret@127.0.0.1:${login.port}`
    await activities(url).notify()
    const rows = await outbox()
    expect(rows).toMatchObject([{ state: 'pending' }])
    expect(JSON.stringify(rows)).not.toMatch(/top-s|cret/)
    await login.close()
  })
})

test('two drains at once send each mail once', async () => {
  const { notifyFailure, deliverMail } = activities(server.url)
  server.mood = 'tempfails'
  for (const runId of ['run-1', 'run-2', 'run-3', 'run-4']) await notifyFailure(runId)
  server.mood = 'takes'
  await makeDue()
  const drains = await Promise.all([deliverMail(), deliverMail()])
  expect(drains.reduce((sum, drain) => sum + drain.sent, 0)).toBe(4)
  expect(new Set(server.mails.map((mail) => mail.messageId)).size).toBe(4)
  expect(server.mails).toHaveLength(4)
})

test('without a mail server the mails are kept in the outbox and as files', async () => {
  await plantOrderAnomaly(1)
  expect(await activities(undefined).notify()).toMatchObject({ findings: 1, kept: 1 })
  expect(await readdir(join(homeDir, 'mail'))).toHaveLength(1)
  expect(await outbox()).toMatchObject([{ state: 'kept' }])
})

test('a failed run is mailed once, with its failed tasks, cause and the checks that stopped or held it', async () => {
  await database.db.query(
    `insert into audit.dq_results (run_id, check_id, dag_id, logical_date, table_name, severity, is_passed, expected, actual)
     values ('run-1', 'orders_volume', 'ecommerce_daily', $1, 'staging.orders_clean', 'critical', false, '100 to 500000', '99'),
            ('run-1', 'events_volume', 'ecommerce_daily', $1, 'staging.events_clean', 'critical', true, '500 to 2000000', '900'), ('run-1', 'plausible_volume', 'ecommerce_daily', $1, 'staging.orders_clean', 'error', false, '0.25 to 4 times', '0.1'),
            ('run-1', 'null_share', 'ecommerce_daily', $1, 'staging.events_clean', 'warn', false, '0', '1'),
            ('run-0', 'uniqueness', 'ecommerce_daily', $1, 'staging.events_clean', 'critical', false, '0', '1')`,
    [date],
  )
  const { notifyFailure } = activities(server.url)
  expect(await notifyFailure('run-1')).toMatchObject({ sent: 1 })
  expect(await notifyFailure('run-1'), 'the same run again').toMatchObject({ sent: 0 })
  expect(await notifyFailure('run-2'), 'a rerun that fails too').toMatchObject({ sent: 1 })
  const [mail] = server.mails
  expect(mail?.subject).toBe(`Daybook: run ${runKey} failed`)
  for (const part of ['dq_checks', 'ChecksFailed', 'orders_volume', '100 to 5', 'plausible_vol']) {
    expect(mail?.text).toContain(part)
    expect(mail?.html).toContain(part)
  }
  expect(mail?.text).not.toMatch(/events_volume|null_share|uniqueness/)
})
