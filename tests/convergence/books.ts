import { rmSync } from 'node:fs'
import type { Database } from '../../platform/database.ts'
import { digestTables } from '../../platform/table-digests.ts'
import { sampleShop } from '../support/sample-day.ts'
import { testDatabase } from '../support/servers.ts'
import type { DayRun, Delivery } from './any-history.ts'

/** A database that is emptied rather than made anew, and a landing zone. */
export interface Books {
  readonly database: Database
  /** Books these deliveries and runs, one after the other, from nothing. */
  book(steps: readonly (Delivery | DayRun)[]): Promise<void>
  digests(): ReturnType<typeof digestTables>
  drop(): Promise<void>
}

export async function openBooks(): Promise<Books> {
  const { db: database, drop } = await testDatabase()
  const shop = sampleShop(database)
  const emptyTables = await tablesWithoutRows(database)
  const judged = async (date: string) => {
    await shop.stageDay(date)
    await shop.judgeDay(date)
  }
  const run = {
    async tasks(date: string) {
      await this.half(date)
      await shop.publishDay(date)
    },
    async publish(date: string) {
      await judged(date)
      await shop.buildAndPublish(date)
    },
    async half(date: string) {
      await judged(date)
      await shop.buildDay(date)
    },
  }
  return {
    database,
    async book(steps) {
      rmSync(shop.landingDir, { recursive: true, force: true })
      await empty(database, emptyTables)
      for (const step of steps) {
        if (step.does === 'deliver') shop.deliver(step.path, step.content)
        else await run[step.how](step.date)
      }
    },
    digests: () => digestTables(database),
    drop,
  }
}

async function tablesWithoutRows(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select format('%I.%I', nspname, relname) as name
     from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname in ('raw', 'staging', 'warehouse', 'audit') and relkind in ('r', 'p')
       and not relispartition`,
  )
  const names: string[] = []
  for (const { name } of rows) {
    if ((await database.query(`select from ${name} limit 1`)).rowCount === 0) names.push(name)
  }
  return names
}

/** What a fresh database holds: nobody and nothing in the dimensions, no builds, no candidates. */
async function empty(database: Database, emptyTables: readonly string[]): Promise<void> {
  const { rows } = await database.query<{ drop: string }>(
    `select format('drop schema %I cascade', nspname) as drop from pg_namespace
     where nspname like 'next\\_%'
     union all
     select format('drop table staging.%I', relname) from pg_class
     where relnamespace = 'staging'::regnamespace and relkind = 'r' and relname like '%\\_candidate\\_%'`,
  )
  await database.query(`
    set client_min_messages = warning;
    ${rows.map(({ drop }) => `${drop};`).join('\n')}
    truncate ${emptyTables.join(', ')};
    delete from warehouse.dim_user where user_key <> 0;
    delete from warehouse.dim_product where product_key <> 0`)
}

/** Rows that only one of two states of a table has, at most `most` of each. */
export async function differingRows(one: Database, other: Database, table: string, most = 6) {
  const read = async (database: Database) =>
    (
      await database.query<{ row: string }>(
        `select (to_jsonb(shown) - array['file_id', 'record_no', 'created_at'])::text as row
         from warehouse.${table} shown order by 1`,
      )
    ).rows.map(({ row }) => row)
  const [found, expected] = [await read(one), await read(other)]
  return [
    ...missingFrom(expected, found, most).map((row) => `+ ${row}`),
    ...missingFrom(found, expected, most).map((row) => `- ${row}`),
  ]
}

function missingFrom(those: readonly string[], rows: readonly string[], most: number): string[] {
  const known = new Set(those)
  return rows.filter((row) => !known.has(row)).slice(0, most)
}
