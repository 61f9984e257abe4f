import type { Transaction } from './database.ts'

/** Rows that publishing took away from and brought into a table; a changed row is both. */
export interface TableChange {
  readonly inserted: number
  readonly deleted: number
}

/** Rows of a business date that publishing took away and brought. */
export interface DateChange extends TableChange {
  readonly date: string
}

/** Where a row was last read is no part of what it says: the same line in a newer file moves nothing. */
const lineageColumns = new Set(['file_id', 'record_no'])

interface TableColumns {
  readonly writable: readonly string[]
  readonly primaryKey: readonly string[]
}

/**
 * Brings the rows of the keys in `<build>.<table>_scope` to the state of `<build>.<table>`, touching
 * only rows that differ. Readers see the change when the transaction commits, none before. Where
 * `dateColumn` is given, the rows that moved are counted by it too.
 */
export async function applyTable(
  transaction: Transaction,
  buildSchema: string,
  table: string,
  scopeKey: readonly string[],
  dateColumn?: string,
): Promise<TableChange & { readonly byDate: DateChange[] }> {
  const columns = await tableColumns(transaction, table)
  const meaning = columns.writable.filter((column) => !lineageColumns.has(column))
  const moved = (alias: string) => (dateColumn ? `${alias}.${dateColumn}` : 'null::date')
  const deleted = await countMoved(
    transaction,
    `delete from warehouse.${table} published using ${buildSchema}.${table}_scope scope
     where ${sameColumns(scopeKey, 'published', 'scope')} and not exists (
       select from ${buildSchema}.${table} next
       where ${sameColumns(columns.primaryKey, 'next', 'published')}
         and (${list(meaning, 'next')}) is not distinct from (${list(meaning, 'published')}))
     returning ${moved('published')}`,
  )
  const inserted = await countMoved(
    transaction,
    `insert into warehouse.${table} as published (${columns.writable.join(', ')})
     select ${list(columns.writable, 'next')} from ${buildSchema}.${table} next
     where not exists (select from warehouse.${table} kept
       where ${sameColumns(columns.primaryKey, 'next', 'kept')})
     returning ${moved('published')}`,
  )
  return {
    inserted: sum(inserted.values()),
    deleted: sum(deleted.values()),
    byDate: [...new Set([...deleted.keys(), ...inserted.keys()])]
      .filter((date) => date !== null)
      .toSorted()
      .map((date) => ({
        ...{ date, inserted: inserted.get(date) ?? 0, deleted: deleted.get(date) ?? 0 },
      })),
  }
}

/** Runs a statement that returns a date for each row that it moves. Returns rows by date. */
async function countMoved(
  transaction: Transaction,
  statement: string,
): Promise<Map<string | null, number>> {
  const { rows } = await transaction.query<{ date: string | null; rows: number }>(
    `with moved (date) as (${statement}) select date, count(*) as rows from moved group by date`,
  )
  return new Map(rows.map((row) => [row.date, row.rows]))
}

function sum(counts: Iterable<number>): number {
  return [...counts].reduce((total, count) => total + count, 0)
}

async function tableColumns(transaction: Transaction, table: string): Promise<TableColumns> {
  const result = await transaction.query<{ name: string; is_generated: boolean; is_key: boolean }>(
    `select attname as name, attgenerated <> '' as is_generated,
       coalesce(attnum = any(primary_key.indkey), false) as is_key
     from pg_attribute
     left join pg_index primary_key on primary_key.indrelid = attrelid and primary_key.indisprimary
     where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [`warehouse.${table}`],
  )
  const names = (rows: typeof result.rows) => rows.map((row) => row.name)
  return {
    writable: names(result.rows.filter((row) => !row.is_generated)),
    primaryKey: names(result.rows.filter((row) => row.is_key)),
  }
}

function sameColumns(columns: readonly string[], one: string, other: string): string {
  return columns.map((column) => `${one}.${column} = ${other}.${column}`).join(' and ')
}

function list(columns: readonly string[], alias: string): string {
  return columns.map((column) => `${alias}.${column}`).join(', ')
}
