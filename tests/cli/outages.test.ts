import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { followDays } from '../../cli/follow-days.ts'
import { ServerAway } from '../../cli/server-away.ts'
import { throughOutages } from '../../cli/through-outages.ts'
import { generateShop } from '../../data/generator/generate.ts'
import { createDatabase } from '../../platform/database.ts'
import { isTemporalOutage } from '../../platform/temporal-outage.ts'
import { connectClient } from '../../platform/temporal.ts'
import { startRun } from '../../schedules/start-run.ts'
import { breakableWay } from '../support/breakable-way.ts'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { startCli } from '../support/run-cli.ts'

// A server recovers here while other files keep both cores busy.
vi.setConfig({ testTimeout: 180_000 })

const waitMs = { timeout: 60_000, interval: 20 }
const settings = { apiKey: undefined, tls: false }

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>
let daybook: DaybookWorker
beforeAll(async () => {
  postgres = await startOwnPostgres()
  daybook = await startDaybookWorker({}, postgres)
  const shop = { orders: 150, events: 800, flat: true }
  await generateShop({ from: '2025-12-10', days: 5, out: daybook.landingDir, ...shop })
})
afterAll(() => daybook.stop())

function command(args: string[], TEMPORAL_ADDRESS = daybook.temporal.address) {
  const { namespace, taskQueue } = daybook.temporal
  return startCli(args, {
    ...{ DATABASE_URL: postgres.url, TEMPORAL_ADDRESS },
    ...{ TEMPORAL_NAMESPACE: namespace, TEMPORAL_TASK_QUEUE: taskQueue },
  })
}

async function untilTaskRuns(date: string) {
  const sql = `select from audit.task_runs inner join audit.pipeline_runs as run using (run_id)
    where run.logical_date = $1 and task_runs.state = 'running'`
  await vi.waitUntil(async () => (await postgres.db.query(sql, [date])).rowCount !== 0, waitMs)
}

const said = (text: string, what: string) => text.split(what).length - 1

test.each([
  ['2025-12-10', ['run', '2025-12-10'], 'ecommerce_daily/2025-12-10'],
  [
    '2025-12-11',
    ['backfill', '2025-12-11', '2025-12-12'],
    'backfill/ecommerce_daily/2025-12-11/2025-12-12',
  ],
])(
  'a command goes on when PostgreSQL ends under it and comes back: %s',
  async (date, args, what) => {
    const { result, ended } = command(args)
    await untilTaskRuns(date)
    await postgres.takeAway()
    await vi.waitUntil(() => result.stderr.includes('PostgreSQL is away'), waitMs)
    await postgres.bringBack()
    const { code, stderr } = await ended
    expect(stderr).toContain(`this command waits for it, ${what} will go on`)
    expect(said(stderr, 'PostgreSQL is away')).toBe(1)
    expect(code).toBe(0)
  },
)

test('a command goes on when the way to Temporal is cut under it and mended', async () => {
  const way = await breakableWay(Number(daybook.temporal.address.split(':')[1]))
  const { result, ended } = command(['run', '2025-12-13'], `127.0.0.1:${way.port}`)
  await untilTaskRuns('2025-12-13')
  await way.cut()
  await vi.waitUntil(() => result.stderr.includes('Temporal is away'), waitMs)
  await way.mend()
  const { code, stdout, stderr } = await ended
  expect(said(stderr, 'Temporal is away')).toBe(1)
  expect(stdout).toContain('ecommerce_daily/2025-12-13 is done')
  expect(code).toBe(0)
  await way.cut()
})

test('a command that begins while PostgreSQL is away waits for it', async () => {
  await postgres.takeAway()
  const { result, ended } = command(['runs'])
  await vi.waitUntil(() => result.stderr.includes('PostgreSQL does not answer'), waitMs)
  await postgres.bringBack()
  expect(await ended).toMatchObject({ code: 0 })
})

test('a command that has begun nothing says that it cannot connect', async () => {
  const way = await breakableWay(postgres.port)
  await way.cut()
  const DATABASE_URL = `postgres://daybook@127.0.0.1:${way.port}/daybook`
  const { code, stderr } = await startCli(['runs'], { DATABASE_URL }).ended
  expect(stderr).toMatch(/Cannot connect: connect ECONNREFUSED .*\n  Remedy: run `daybook doctor`/)
  expect(code).toBe(3)
})

test('a watch gives up an outage that takes too long, and says what goes on', async () => {
  const { client } = daybook.temporal
  const lines: string[] = []
  const watch = {
    ...{ client, database: postgres.db, what: 'a_dag/2025-12-13' },
    ...{ lookAfter: 'daybook show a_dag/2025-12-13', say: (line: string) => lines.push(line) },
    ...{ signal: new AbortController().signal, longestOutageMs: 300 },
  }
  await postgres.takeAway()
  const asked = throughOutages(watch, () => postgres.db.query('select 1'))
  const error: unknown = await asked.catch((thrown: unknown) => thrown)
  await postgres.bringBack()
  expect(error).toBeInstanceOf(ServerAway)
  expect(String(error)).toContain('a_dag/2025-12-13 will go on without this command')
  expect(String(error)).toContain('`daybook show a_dag/2025-12-13`')
  expect(lines).toHaveLength(1)
})

test('a question that is still open when a follower fails leaves nothing behind', async () => {
  const { namespace, taskQueue, address } = daybook.temporal
  const way = await breakableWay(Number(address.split(':')[1]))
  const client = await connectClient({ ...settings, namespace }, `127.0.0.1:${way.port}`)
  const handle = await startRun(client, {
    dagId: 'nobody_serves',
    date: '2025-12-13',
    taskQueue: `${taskQueue}-none`,
  })
  const waiting = handle.result().catch((thrown: unknown) => thrown)
  await way.cut()
  await way.mend()
  // Tried again behind the caller's back, it would wait on for a run that nobody serves.
  expect(isTemporalOutage(await waiting)).toBe(true)
  const url = new URL(postgres.url)
  url.pathname = 'postgres'
  const database = createDatabase(url.href, 1)
  const followed = { dagId: 'nobody_serves', dates: ['2025-12-13'], what: '', lookAfter: '' }
  const failing = followDays({ client, database }, followed, (through) =>
    through(() => handle.result()),
  )
  await expect(failing).rejects.toThrow('relation "audit.task_runs" does not exist')
  await client.connection.close()
  await database.end()
  await daybook.temporal.client.workflow.getHandle(handle.workflowId).terminate()
  await way.cut()
})
