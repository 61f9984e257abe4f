import { join } from 'node:path'
import { createActivities } from '../activities/index.ts'
import { verifyBooks } from '../activities/verify-books.ts'
import { generateDays } from '../data/generator/generate.ts'
import { loadConfig } from '../platform/config.ts'
import { configuredSources } from '../platform/sources.ts'
import { digestTables } from '../platform/table-digests.ts'
import { publishedShops } from '../schedules/published-shops.ts'
import { median, timeMs } from './compare.ts'
import { row } from './report.ts'
import type { Row } from './report.ts'
import { startBenchServers } from './servers.ts'
import { runDay } from './verify/run-day.ts'
import { noteStatements, type StatementTime } from './verify/statement-times.ts'

/** The first, a Saturday, warms up; Monday brings the catalogue. */
const generated = { from: '2025-12-13', days: 4, orders: 20_000, events: 80_000, flat: true }

interface DayTimes {
  readonly batchMs: number
  readonly fenceMs: number
  readonly publishMs: number
  readonly applyMs: number
  readonly digestMs: number
}

/** What proving and publishing a day cost beside the work of the day itself. */
export async function benchVerify(): Promise<Row[]> {
  const { database, homeDir, stop } = await startBenchServers()
  try {
    const landingDir = join(homeDir, 'incoming')
    const dates: string[] = []
    for await (const { date } of generateDays({ ...generated, out: landingDir })) dates.push(date)
    const config = loadConfig({ LANDING_DIR: landingDir, DAYBOOK_HOME: homeDir })
    const activities = createActivities({ database, config })
    const statements = noteStatements(database)
    const input = { shops: publishedShops(), areAll: true, samples: 1 }
    const days: DayTimes[] = []
    for (const date of dates) {
      statements.take()
      const tasks = await runDay(database, activities, date)
      const taken = statements.take()
      const digestMs = await timeMs(() => digestTables(database))
      const batchMs = sum(tasks.map(({ ms }) => ms))
      const publishMs = sum(
        tasks.filter(({ activity }) => activity === 'publish').map(({ ms }) => ms),
      )
      const day = {
        ...{ batchMs, publishMs, digestMs },
        fenceMs: msOf(taken, isFence),
        applyMs: msOf(taken, isApply),
      }
      console.error(date, day)
      days.push(day)
    }
    const verifyMs = await timeMs(async () => {
      const tables = await verifyBooks(database, configuredSources(config), input)
      const differing = tables.filter(({ isEqual }) => !isEqual).map(({ table }) => table)
      if (differing.length > 0) throw new Error(`${differing.join(', ')} differ`)
    })
    return rowsOf(days.slice(1), verifyMs)
  } finally {
    await stop()
  }
}

function isFence(sql: string): boolean {
  return (
    sql.includes('audit.task_fences') || sql.startsWith('select state from audit.pipeline_runs')
  )
}

/** What brings the rows of published tables from the old state to the new one. */
function isApply(sql: string): boolean {
  return /^\s*(with moved \(date\) as \(\s*)?(delete from|insert into) warehouse\.(?!dim_date)/.test(
    sql,
  )
}

function rowsOf(days: readonly DayTimes[], verifyMs: number): Row[] {
  const of = (value: (day: DayTimes) => number) => median(days.map(value))
  const publishing = (day: DayTimes) => day.publishMs - day.applyMs
  const share = (day: DayTimes) =>
    (100 * (day.digestMs + day.fenceMs + publishing(day))) / (day.batchMs + day.digestMs)
  const seconds = (ms: number) => ms / 1000
  const unit = 'ms'
  return [
    row({ metric: 'all tasks of a day', value: seconds(of((day) => day.batchMs)), unit: 's' }),
    row({ metric: 'digests of every table', value: of((day) => day.digestMs), unit }),
    row({ metric: 'the fences of its tasks', value: of((day) => day.fenceMs), unit }),
    row({ metric: 'publishing, beside its inserts and deletes', value: of(publishing), unit }),
    row({ metric: 'inserts and deletes of publishing', value: of((day) => day.applyMs), unit }),
    row({ metric: 'share of the first three', value: of(share), unit: '%', goal: 10 }),
    row({
      ...{ metric: `verify, books of ${generated.days} days`, unit: 's' },
      value: seconds(verifyMs),
    }),
    row({
      ...{ metric: 'verify, a day of the books', unit: 's' },
      value: seconds(verifyMs / generated.days),
    }),
  ]
}

function msOf(statements: readonly StatementTime[], counts: (sql: string) => boolean): number {
  return sum(statements.filter(({ sql }) => counts(sql)).map(({ ms }) => ms))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
