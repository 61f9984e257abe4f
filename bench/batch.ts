import { join } from 'node:path'
import { createActivities } from '../activities/index.ts'
import { generateDays } from '../data/generator/generate.ts'
import { loadConfig } from '../platform/config.ts'
import { createDatabase, type Database } from '../platform/database.ts'
import { applyMigrations } from '../platform/migrate.ts'
import { startRun } from '../schedules/start-run.ts'
import { defaultWorkflowsPath } from '../worker/create-worker.ts'
import { dags } from '../workflows/dags.ts'
import { heaviest, medianTimes, readRunTimes, type RunTimes } from './batch/task-times.ts'
import { median, timeMs } from './compare.ts'
import { prepareFloor, runFloor, type FloorStep } from './floor/floor.ts'
import { requireSameBooks } from './floor/same-books.ts'
import { startWorker, taskQueue } from './orchestrator/bench-worker.ts'
import { row } from './report.ts'
import type { Row } from './report.ts'
import { startBenchServers, type BenchServers } from './servers.ts'
import { noteStatements } from './verify/statement-times.ts'

interface Size {
  readonly orders: number
  readonly events: number
  /** Times of the floor that Daybook may take. */
  readonly goal?: number
  readonly warmUp: number
}

const usualSizes: readonly Size[] = [
  { orders: 5_000, events: 20_000, goal: 1.5, warmUp: 1 },
  { orders: 50_000, events: 200_000, warmUp: 0 },
]
const largest: Size = { orders: 500_000, events: 2_000_000, goal: 1.3, warmUp: 0 }
const rounds = 3
const firstMonday = '2025-12-15'
const maxDatabaseConnections = 20

interface Round {
  readonly floorMs: number
  readonly daybookMs: number
  readonly steps: readonly FloorStep[]
  readonly times: RunTimes
}

/** What a day of Daybook costs beside SQL written by hand; `isFull` adds the largest day. */
export async function benchBatch({ isFull }: { isFull: boolean }): Promise<Row[]> {
  const servers = await startBenchServers()
  const mondays = mondaysFrom(firstMonday)
  try {
    // It would look after the tables of one side while the other is timed.
    await servers.database.query('alter system set autovacuum = off')
    await servers.database.query('select pg_reload_conf()')
    const rows: Row[] = []
    for (const size of isFull ? [...usualSizes, largest] : usualSizes) {
      rows.push(...(await measureSize(servers, size, mondays)))
    }
    return rows
  } finally {
    await servers.stop()
  }
}

/** A run has its date for its id: no two rounds are of one date. */
function* mondaysFrom(date: string): Generator<string, never> {
  for (let ms = Date.parse(date); ; ms += 7 * 86_400_000) {
    yield new Date(ms).toISOString().slice(0, 10)
  }
}

async function measureSize(
  servers: BenchServers,
  size: Size,
  mondays: Generator<string, never>,
): Promise<Row[]> {
  const landingDir = join(servers.homeDir, `incoming-${size.orders}`)
  const url = new URL(servers.databaseUrl)
  url.pathname = 'batch'
  const database = createDatabase(url.href, maxDatabaseConnections)
  const config = loadConfig({ LANDING_DIR: landingDir, DAYBOOK_HOME: servers.homeDir })
  await makeEmptyBooks(servers, database)
  const statements = noteStatements(database)
  const stopWorker = await startWorker(
    { ...servers, database },
    {
      activities: createActivities({ database, config }),
      workflowsPath: defaultWorkflowsPath,
      dags,
    },
  )
  try {
    const measured: Round[] = []
    for (let round = 1 - size.warmUp; round <= rounds; round += 1) {
      const { value: date } = mondays.next()
      await generate(size, landingDir, date)
      await makeEmptyBooks(servers, database)
      const found = await measureRound(servers, database, statements, {
        ...{ landingDir, date, round },
      })
      if (round > 0) measured.push(found)
    }
    return rowsOf(size, measured)
  } finally {
    await stopWorker()
    await database.end()
  }
}

async function generate({ orders, events }: Size, out: string, from: string): Promise<void> {
  const options = { from, days: 1, orders, events, flat: true, out }
  for await (const { date, files } of generateDays(options)) {
    console.error(date, files.map(({ file, rows }) => `${file}: ${rows} records`).join(', '))
  }
}

/** The database of the day anew; the worker's connections to the old one are replaced when used. */
async function makeEmptyBooks(servers: BenchServers, database: Database): Promise<void> {
  await servers.database.query('drop database if exists batch with (force)')
  await servers.database.query('create database batch')
  await applyMigrations(database)
}

async function measureRound(
  { client }: BenchServers,
  database: Database,
  statements: ReturnType<typeof noteStatements>,
  { landingDir, date, round }: { landingDir: string; date: string; round: number },
): Promise<Round> {
  statements.take()
  let steps: FloorStep[] = []
  const sides = {
    floor: async () => {
      steps = await runFloor(database, landingDir, date)
    },
    daybook: async () => {
      const handle = await startRun(client, { dagId: 'ecommerce_daily', date, taskQueue })
      await handle.result()
    },
  }
  await prepareFloor(database, date)
  const took = { floor: 0, daybook: 0 }
  const order = round % 2 === 0 ? (['daybook', 'floor'] as const) : (['floor', 'daybook'] as const)
  for (const side of order) {
    await database.query('checkpoint')
    took[side] = await timeMs(sides[side])
    console.error(`${date} ${round > 0 ? round : 'warm-up'}: ${side} ${took[side].toFixed(0)} ms`)
  }
  const noted = statements.take().filter(({ task }) => task !== undefined)
  if (round === rounds) console.error(`\nThe heaviest statements of Daybook:\n${heaviest(noted)}\n`)
  const times = await readRunTimes(database, took.daybook / 1000, noted)
  await requireSameBooks(database)
  return { floorMs: took.floor, daybookMs: took.daybook, steps, times }
}

function rowsOf({ orders, events, goal }: Size, measured: readonly Round[]): Row[] {
  const size = `${orders.toLocaleString('en')} + ${events.toLocaleString('en')}`
  const seconds = (metric: string, value: number) =>
    row({ metric: `${size}: ${metric}`, value, unit: 's' })
  const { tasks, outsideOfTasks } = medianTimes(measured.map(({ times }) => times))
  const files = [...new Set(measured.flatMap(({ steps }) => steps.map(({ name }) => name)))]
  return [
    row({
      ...{ metric: `${size}: Daybook, times the floor`, unit: 'times' },
      value: median(measured.map(({ daybookMs, floorMs }) => daybookMs / floorMs)),
      ...(goal === undefined ? {} : { goal }),
    }),
    seconds('Daybook', median(measured.map(({ daybookMs }) => daybookMs / 1000))),
    seconds('floor', median(measured.map(({ floorMs }) => floorMs / 1000))),
    seconds('Daybook, no task running', outsideOfTasks),
    ...[...tasks].flatMap(([task, times]) => [
      seconds(`Daybook, ${task}`, times.seconds),
      seconds(`Daybook, ${task}, SQL`, times.sqlSeconds),
    ]),
    ...files.map((name) =>
      seconds(`floor, ${name}`, median(measured.map(({ steps }) => secondsOf(steps, name)))),
    ),
  ]
}

function secondsOf(steps: readonly FloorStep[], name: string): number {
  const ofFile = steps.filter((step) => step.name === name)
  return ofFile.reduce((sum, { ms }) => sum + ms / 1000, 0)
}
