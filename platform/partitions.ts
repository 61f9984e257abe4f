import type { Transaction } from './database.ts'

/**
 * Makes sure that a table has the partition of a day, and returns its name. The partition is made
 * beside the table and attached, which does not block readers as `create … partition of` does.
 */
export async function ensurePartition(
  transaction: Transaction,
  table: string,
  date: string,
): Promise<string> {
  const partition = `${table}_p${date.replaceAll('-', '')}`
  if (await tableExists(transaction, partition)) return partition
  await transaction.query('select pg_advisory_xact_lock(hashtextextended($1, 11))', [table])
  if (await tableExists(transaction, partition)) return partition
  await transaction.query(`create table ${partition} (like ${table} including all)`)
  await transaction.query(`
    alter table ${table} attach partition ${partition} for values from ('${date}') to (date '${date}' + 1)`)
  return partition
}

export async function tableExists(transaction: Transaction, table: string): Promise<boolean> {
  const result = await transaction.query<{ found: boolean }>(
    'select to_regclass($1) is not null as found',
    [table],
  )
  return result.rows[0]?.found === true
}
