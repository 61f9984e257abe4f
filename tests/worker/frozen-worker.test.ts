import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import { loadConfig } from '../../platform/config.ts'
import type { Database } from '../../platform/database.ts'
import { digestTables } from '../../platform/table-digests.ts'
import { isQueuePolled } from '../../platform/embedded/worker-process.ts'
import { startRun } from '../../schedules/start-run.ts'
import { date, runKey, tasksOfTheDay } from '../support/booked-tasks.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

const main = join(import.meta.dirname, '..', '..', 'worker', 'main.ts')
/** The heartbeat of a task times out after 30 seconds. */
const takeOverMs = 120_000

/** One day of a shop, two worker processes that may book it, and the books of an undisturbed day. */
async function startShop() {
  const [database, temporal] = await Promise.all([testDatabase(), testTemporal()])
  const landingDir = tempFolder('landing')
  await generateShop({ from: date, days: 1, orders: 300, events: 2000, out: landingDir })
  const env = {
    ...{ DATABASE_URL: database.url, TEMPORAL_ADDRESS: temporal.address },
    ...{ TEMPORAL_NAMESPACE: temporal.namespace, TEMPORAL_TASK_QUEUE: temporal.taskQueue },
    ...{ DAYBOOK_HOME: tempFolder('home'), LANDING_DIR: landingDir },
  }
  const workers: ChildProcess[] = []
  return {
    database: database.db,
    undisturbed: () => bookUndisturbed(env),
    /** Returns when the worker asks for work. */
    async startWorker() {
      workers.push(spawn(process.execPath, [main], { env: { ...process.env, ...env } }))
      const { client, namespace, taskQueue } = temporal
      const isPolled = () => isQueuePolled(client.connection, namespace, taskQueue)
      await vi.waitUntil(isPolled, { timeout: 60_000, interval: 200 })
    },
    startRun: () =>
      startRun(temporal.client, {
        ...{ dagId: 'ecommerce_daily', date, taskQueue: temporal.taskQueue },
      }),
    workerOf: (pid: number) => workers.find((worker) => worker.pid === pid),
    async stop() {
      for (const worker of workers) {
        if (worker.exitCode !== null || worker.signalCode !== null) continue
        worker.kill('SIGKILL')
        await once(worker, 'exit')
      }
      await temporal.close()
      await database.drop()
    },
  }
}

async function bookUndisturbed(env: NodeJS.ProcessEnv) {
  const database = await testDatabase()
  try {
    for (const task of tasksOfTheDay(database.db, loadConfig(env)).values()) {
      await task({ runId: 'undisturbed', attempt: 1 })
    }
    return await digestTables(database.db)
  } finally {
    await database.drop()
  }
}

async function isHeldAt(database: Database, table: string): Promise<boolean> {
  const { rowCount } = await database.query(
    'select from pg_locks where relation = $1::regclass and not granted',
    [table],
  )
  return rowCount === 1
}

async function attemptsOf(database: Database, taskId: string) {
  const { rows } = await database.query<{ attempt: number; state: string; pid: number }>(
    `select attempt, state, split_part(worker, '@', 1)::integer as pid from audit.task_runs
     where run_key = $1 and task_id = $2 order by attempt`,
    [runKey, taskId],
  )
  return rows
}

test.concurrent.each([
  ['extract_orders', 'lock table raw.orders in access exclusive mode', 'raw.orders'],
  ['publish', 'lock table audit.published_loads in share mode', 'audit.published_loads'],
])(
  'a worker frozen in the middle of %s until another has ended the run writes nothing when it thaws',
  async (taskId, lock, table) => {
    const shop = await startShop()
    const { database } = shop
    try {
      await shop.startWorker()
      const holder = await database.connect()
      await holder.query(`begin; ${lock}`)
      const run = await shop.startRun()
      await vi.waitUntil(() => isHeldAt(database, table), { timeout: 60_000, interval: 50 })
      const [held] = await attemptsOf(database, taskId)
      const frozen = shop.workerOf(held?.pid ?? -1)
      expect(frozen?.kill('SIGSTOP')).toBe(true)
      await holder.query('rollback')
      holder.release()
      await shop.startWorker()
      expect(await run.result()).toMatchObject({ tasks: { [taskId]: 'success' } })
      const ended = await digestTables(database)
      const attempts = await attemptsOf(database, taskId)
      expect(attempts).toMatchObject([{ state: 'failed' }, { state: 'success' }])
      frozen?.kill('SIGCONT')
      // A clean stop waits for what the worker has going on.
      frozen?.kill('SIGTERM')
      if (frozen) await once(frozen, 'exit')
      expect(await digestTables(database)).toEqual(ended)
      expect(await attemptsOf(database, taskId)).toEqual(attempts)
      expect(ended).toEqual(await shop.undisturbed())
      const published = await database.query('select from audit.publications')
      expect(published.rowCount).toBe(1)
    } finally {
      await shop.stop()
    }
  },
  takeOverMs + 120_000,
)
