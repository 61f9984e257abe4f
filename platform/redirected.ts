import type { Transaction } from './database.ts'

/** A statement with other tables in the place of those that it names with their schemas. */
export function inPlaceOf(sql: string, tables: ReadonlyMap<string, string>): string {
  let resolved = sql
  for (const [table, other] of tables) {
    resolved = resolved.replaceAll(new RegExp(`\\b${table.replace('.', '\\.')}\\b`, 'g'), other)
  }
  return resolved
}

/** The same transaction, in which statements find other tables in the place of some. */
export function redirected(
  transaction: Transaction,
  tables: ReadonlyMap<string, string>,
): Transaction {
  const query = (sql: string, params: unknown[] = []) =>
    transaction.query(inPlaceOf(sql, tables), params)
  return new Proxy(transaction, {
    get: (target, name): unknown => (name === 'query' ? query : Reflect.get(target, name)),
  })
}
