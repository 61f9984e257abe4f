import type { Database } from './database.ts'
import { inTransaction } from './database.ts'

export interface ReadQuery {
  readonly sql: string
  readonly values: readonly unknown[]
  readonly timeoutMs: number
}

/** The first row that one statement finds. It can write nothing, and is stopped after the time-out. */
export async function readFirstRow(
  database: Database,
  { sql, values, timeoutMs }: ReadQuery,
): Promise<Record<string, unknown> | undefined> {
  return inTransaction(database, async (transaction) => {
    await transaction.query('set transaction read only')
    await transaction.query(`select set_config('statement_timeout', $1, true)`, [`${timeoutMs}ms`])
    // The extended protocol takes one statement only: none that ends this transaction comes along.
    const query = { text: sql, values: [...values], queryMode: 'extended' }
    const { rows } = await transaction.query<Record<string, unknown>>(query)
    return rows[0]
  })
}
