import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMailActivities } from '../../activities/deliver-mail.ts'
import { loadConfig, type Config } from '../../platform/config.ts'
import { createDatabase, type Database } from '../../platform/database.ts'
import { ecommerceDaily } from '../../workflows/ecommerce-daily.ts'
import { date, runKey, tasksOfTheDay } from '../support/booked-tasks.ts'
import { startMailServer } from '../support/mail-server.ts'
import { runActivity } from '../support/run-activity.ts'
import { eventsHeader, order } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

let database: TestDatabase
let config: Config
let runId: string
beforeEach(async () => {
  database = await testDatabase()
  const landingDir = tempFolder('landing')
  config = loadConfig({ LANDING_DIR: landingDir, DAYBOOK_HOME: tempFolder('home') })
  deliverDay(landingDir)
  runId = randomUUID()
})
afterEach(() => database.drop())

/** A Monday that passes its checks. */
function deliverDay(landingDir: string): void {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
  const orders = numbers(120).map((index) =>
    order(`o-${index}`, { user_id: `u-${index % 40}`, product_id: `p-${index % 9}` }),
  )
  const events = numbers(600).map(
    (index) =>
      `e-${index},u-${index % 40},p-${index % 9},page_view,${date}T09:00:00Z,s-${index % 90},/,x`,
  )
  const products = numbers(9).map((index) => ({
    ...{ product_id: `p-${index}`, name: `Thing ${index}`, price: 12.345, category: 'things' },
  }))
  const files = {
    [`orders/${date}/orders.json`]: JSON.stringify(orders),
    [`events/${date}/events.csv`]: [eventsHeader, ...events, ''].join('\n'),
    [`products/products_${date}.json`]: JSON.stringify(products),
  }
  for (const [path, content] of Object.entries(files)) {
    const file = join(landingDir, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
}

/** What a task writes last in its transaction, or needs to go on: a lock on it holds the task there. */
const heldAt: Readonly<Record<string, string>> = {
  extract_orders: 'raw.orders',
  extract_events: 'raw.events',
  extract_products: 'raw.products',
  transform_orders_to_staging: 'audit.duplicate_records',
  transform_events_to_staging: 'audit.duplicate_records',
  transform_products_to_staging: 'audit.duplicate_records',
  dq_checks: 'audit.dq_results',
  load_dim_date: 'warehouse.dim_date',
  load_dim_user: 'warehouse.dim_user',
  load_dim_product: 'warehouse.dim_product',
  load_fact_orders: 'warehouse.fact_orders',
  load_fact_events: 'warehouse.fact_events',
  compute_daily_metrics: 'warehouse.daily_metrics',
  score_anomalies: 'warehouse.metric_scores',
  publish: 'audit.published_loads',
  notify: 'audit.mailed_findings',
}
const writingTasks = Object.keys(heldAt)

test('every task of the day but its branches is tried', () => {
  const tasks = ecommerceDaily.graph.tasks.filter(({ kind }) => kind === 'task')
  expect(writingTasks.toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
})

/** Books the day up to the task, and returns the task. */
async function upTo(taskId: string) {
  const tasks = tasksOfTheDay(database.db, config)
  for (const [id, run] of tasks) {
    if (id === taskId) return run
    await run({ runId, attempt: 1 })
  }
  throw new Error(`No task ${taskId}`)
}

/** Something to mail, whatever the scores of the day are. */
async function plantFinding(): Promise<void> {
  await database.db.query(
    `insert into warehouse.metric_scores values ('main', $1, 'planted', 'all', 'all', 310, 1000, 0.14, -8, 56, 'scored', true, 'robust_z_v1')`,
    [date],
  )
}

/** Every table but the fences: rows, and a sum over their texts and the transactions that wrote them. */
async function contents(): Promise<Record<string, unknown>> {
  const tables = await database.db.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relkind = 'r' and oid::regclass::text <> 'audit.task_fences'
       and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
     order by 1`,
  )
  const found: Record<string, unknown> = {}
  for (const { name } of tables.rows) {
    const { rows } = await database.db.query(
      `select count(*) as rows, sum(hashtextextended(t::text || t.xmin::text, 0)) as digest from ${name} as t`,
    )
    found[name] = rows[0]
  }
  return found
}

const stale = { name: 'StaleAttempt', message: expect.stringContaining('nothing was written') }

/** Waits at the head of the pool's queue, until whoever stands before has got its connection. */
async function letPass(pool: Database, connections: number) {
  let held = await pool.connect()
  for (let passed = 0; passed < connections; passed += 1) {
    await vi.waitUntil(() => pool.waitingCount === 1)
    const next = pool.connect()
    held.release()
    held = await next
  }
  return held
}

test.each(writingTasks)(
  '%s: an attempt that wakes up when the next one has finished does its work, and changes nothing',
  async (taskId) => {
    const run = await upTo(taskId)
    if (taskId === 'notify') await plantFinding()
    const pool = createDatabase(database.url, 1)
    try {
      // The two reads of an extraction find a file that nobody has loaded yet.
      const reads = taskId.startsWith('extract_') ? 2 : 0
      const letting = letPass(pool, reads)
      const first = run({ runId, attempt: 1, writesWith: pool })
      const refused = expect(first).rejects.toMatchObject(stale)
      const held = await letting
      await vi.waitUntil(() => pool.waitingCount === 1)
      await run({ runId, attempt: 2 })
      const before = await contents()
      held.release()
      await refused
      expect(await contents()).toEqual(before)
    } finally {
      await pool.end()
    }
  },
)

test.each(Object.entries(heldAt))(
  '%s: an attempt held in the middle of its transaction is ended by the next one, which finishes',
  async (taskId, table) => {
    const run = await upTo(taskId)
    if (taskId === 'notify') await plantFinding()
    const before = await contents()
    const holder = await database.db.connect()
    try {
      await holder.query(`begin; lock table ${table} in ${lockOf(taskId)} mode`)
      const first = run({ runId, attempt: 1 })
      const refused = expect(first).rejects.toMatchObject(stale)
      await vi.waitUntil(async () => (await waitingFor(table)) === 1, { timeout: 20_000 })
      const second = run({ runId, attempt: 2 })
      await refused
      await holder.query('rollback')
      expect(await second).toBeDefined()
      const after = await contents()
      expect(after).not.toEqual(before)
    } finally {
      holder.release(true)
    }
  },
)

/** What publishing reads before it writes stays readable, so that it is held at its end. */
function lockOf(taskId: string): string {
  return taskId === 'publish' ? 'share' : 'access exclusive'
}

async function waitingFor(table: string): Promise<number> {
  const { rows } = await database.db.query<{ waiting: number }>(
    `select count(*) as waiting from pg_locks
     where relation = $1::regclass and not granted and database =
       (select oid from pg_database where datname = current_database())`,
    [table],
  )
  return rows[0]?.waiting ?? 0
}

test('deliver_mail: a mail that a frozen sender holds is sent once, by it', async () => {
  let answer = () => {}
  const answered = new Promise<void>((resolve) => (answer = resolve))
  let received = 0
  const server = await startMailServer(0, {
    onData(stream, _session, callback) {
      received += 1
      stream.resume()
      void answered.then(() => callback())
    },
  })
  try {
    await database.db.query(
      `insert into audit.outbox (dedupe_key, kind, run_id, run_key, recipients, subject, body_text, body_html, message_id)
       values ('key', 'failure', 'run', $1, '{books@example.org}', 'Mail', 'text', '<p>text</p>', '<1@example.org>')`,
      [runKey],
    )
    const smtp = loadConfig({ SMTP_URL: server.url, MAIL_TO: 'books@example.org' })
    const { deliverMail } = createMailActivities({ database: database.db, config: smtp })
    const deliver = (attempt: number) =>
      runActivity(
        database.db,
        { runKey: 'deliver_mail', taskId: 'deliver_mail', runId, attempt },
        () => deliverMail(),
        null,
      )
    const first = deliver(1)
    await vi.waitUntil(() => received === 1, { timeout: 20_000 })
    expect(await deliver(2)).toMatchObject({ sent: 0, postponed: 0 })
    answer()
    expect(await first).toMatchObject({ sent: 1 })
    expect(await deliver(3)).toMatchObject({ sent: 0 })
    expect(received).toBe(1)
  } finally {
    answer()
    await server.close()
  }
})
