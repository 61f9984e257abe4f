import type { Transaction } from './database.ts'

/** Rows that publishing took away from and brought into a table; a changed row is both. */
export interface TableChange {
  readonly inserted: number
  readonly deleted: number
}

/** Where a row was last read is no part of what it says: the same line in a newer file moves nothing. */
const lineageColumns = new Set(['file_id', 'record_no'])

interface TableColumns {
  readonly writable: readonly string[]
  readonly primaryKey: readonly string[]
}

/**
 * Brings the rows of the keys in `<build>.<table>_scope` to the state of `<build>.<table>`, touching
 * only rows that differ. Readers see the change when the transaction commits, none before.
 */
export async function applyTable(
  transaction: Transaction,
  buildSchema: string,
  table: string,
  scopeKey: readonly string[],
): Promise<TableChange> {
  const columns = await tableColumns(transaction, table)
  const meaning = columns.writable.filter((column) => !lineageColumns.has(column))
  const deleted = await transaction.query(
    `delete from warehouse.${table} published using ${buildSchema}.${table}_scope scope
     where ${sameColumns(scopeKey, 'published', 'scope')} and not exists (
       select from ${buildSchema}.${table} next
       where ${sameColumns(columns.primaryKey, 'next', 'published')}
         and (${list(meaning, 'next')}) is not distinct from (${list(meaning, 'published')}))`,
  )
  const inserted = await transaction.query(
    `insert into warehouse.${table} (${columns.writable.join(', ')})
     select ${list(columns.writable, 'next')} from ${buildSchema}.${table} next
     where not exists (select from warehouse.${table} published
       where ${sameColumns(columns.primaryKey, 'next', 'published')})`,
  )
  return { inserted: inserted.rowCount ?? 0, deleted: deleted.rowCount ?? 0 }
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
