import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createActivities } from '../../activities/index.ts'
import { runDay } from '../../bench/verify/run-day.ts'
import { generateShop } from '../../data/generator/generate.ts'
import { loadConfig } from '../../platform/config.ts'
import type { Database } from '../../platform/database.ts'
import { tempFolder } from './temp-folder.ts'

/** Days of the sample shop that are run by every task of ecommerce_daily, without a server. */
export async function sampleDays(
  database: Database,
  { from, days }: { from: string; days: number },
) {
  const landingDir = tempFolder('landing')
  await generateShop({ from, days, orders: 200, events: 800, out: landingDir })
  const settings = { LANDING_DIR: landingDir, DAYBOOK_HOME: tempFolder('home') }
  const activities = createActivities({ database, config: loadConfig(settings) })
  return {
    landingDir,
    settings,
    /** The tasks that did something; those that were up to date are left out. */
    async run(date: string): Promise<string[]> {
      const tasks = await runDay(database, activities, date)
      return tasks.filter(({ output }) => !isUpToDate(output)).map(({ task }) => task)
    },
    edit(path: string, change: (text: string) => string) {
      const file = join(landingDir, path)
      writeFileSync(file, change(readFileSync(file, 'utf8')))
    },
  }
}

function isUpToDate(output: unknown): boolean {
  return typeof output === 'object' && output !== null && 'upToDate' in output
}

/** Of every table the versions of its rows: equal before and after where nothing was written. */
export async function rowVersions(database: Database): Promise<Record<string, string>> {
  const tables = await database.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relkind = 'r' and relname <> 'task_fences' and relnamespace::regnamespace::text in
       ('raw', 'staging', 'warehouse', 'marts', 'audit')`,
  )
  const versions: Record<string, string> = {}
  for (const { name } of tables.rows) {
    const found = await database.query<{ versions: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(xmin || ' ' || ctid, ',' order by ctid)), '') as versions
       from ${name}`,
    )
    versions[name] = found.rows[0]?.versions ?? ''
  }
  return versions
}

/** The tables whose rows were written between two looks. */
export function writtenBetween(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => before[name] !== after[name]).toSorted()
}
