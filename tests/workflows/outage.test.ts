import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import { digestTables } from '../../platform/table-digests.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { runDay } from '../support/run-day.ts'

const dagId = 'ecommerce_daily'
const days = ['2025-12-15', '2025-12-16', '2025-12-17'] as const

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>
let disturbed: DaybookWorker
let undisturbed: DaybookWorker
beforeAll(async () => {
  postgres = await startOwnPostgres()
  disturbed = await startDaybookWorker({}, postgres)
  undisturbed = await startDaybookWorker({ LANDING_DIR: disturbed.landingDir })
  const shop = { from: days[0], days: days.length, orders: 200, events: 1_000 }
  await generateShop({ ...shop, out: disturbed.landingDir })
})
afterAll(() => Promise.all([disturbed.stop(), undisturbed.stop()]))

/** In the place of PostgreSQL: takes calls and breaks them off. Returns when it has so often. */
async function breakOff(calls: number): Promise<void> {
  let broken = 0
  const server = createServer((socket) => {
    broken += 1
    socket.resetAndDestroy()
  }).listen(postgres.port, '127.0.0.1')
  await once(server, 'listening')
  await vi.waitUntil(() => broken >= calls, { timeout: 60_000 })
  server.close()
  await once(server, 'close')
}

async function isWaitedFor(table: string): Promise<boolean> {
  const { rowCount } = await postgres.db.query(
    'select from pg_locks where relation = $1::regclass and not granted',
    [table],
  )
  return rowCount === 1
}

test.each([
  ['extract_orders', days[0], 'raw.orders'],
  ['dq_checks', days[1], 'audit.dq_results'],
  ['publish', days[2], 'audit.published_loads'],
])(
  'PostgreSQL that is away for a while in the middle of %s costs seconds and no retry',
  async (taskId, date, table) => {
    const holder = await postgres.db.connect()
    await holder.query(`begin; lock table ${table} in share mode`)
    const { client, taskQueue } = disturbed.temporal
    const run = await startRun(client, { dagId, date, taskQueue })
    await vi.waitUntil(() => isWaitedFor(table), { timeout: 60_000, interval: 20 })
    expect((await attempts(date, 'running')).map(({ task_id: task }) => task)).toContain(taskId)
    await postgres.takeAway()
    holder.release(true)
    await breakOff(4)
    await postgres.bringBack()
    const backMs = Date.now()
    expect(await run.result()).toMatchObject({ state: 'success' })
    expect(Date.now() - backMs).toBeLessThan(60_000)
    expect((await attempts(date, 'success')).filter(({ attempt }) => attempt > 1)).toEqual([])
    expect(await attempts(date, 'failed')).toEqual([])
  },
)

async function attempts(date: string, state: string) {
  const { rows } = await postgres.db.query<{ task_id: string; attempt: number }>(
    'select task_id, attempt from audit.task_runs where run_key = $1 and state = $2',
    [`${dagId}/${date}`, state],
  )
  return rows
}

test('the books are then those of a database that never was away', async () => {
  for (const date of days) {
    await runDay(disturbed, dagId, date)
    await runDay(undisturbed, dagId, date)
  }
  expect(await digestTables(postgres.db)).toEqual(await digestTables(undisturbed.database.db))
  expect((await postgres.db.query('select from audit.publications')).rowCount).toBe(days.length)
})
