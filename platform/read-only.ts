import type { Database } from './database.ts'
import { inTransaction } from './database.ts'

export interface ReadQuery {
  readonly sql: string
  readonly values: readonly unknown[]
  readonly timeoutMs: number
}

/**
 * The first row that one select finds, and no more is looked for. It can write nothing, and is stopped
 * after the time-out.
 */
export async function readFirstRow(
  database: Database,
  { sql, values, timeoutMs }: ReadQuery,
): Promise<Record<string, unknown> | undefined> {
  return inTransaction(database, async (transaction) => {
    await transaction.query('set transaction read only')
    await transaction.query(`select set_config('statement_timeout', $1, true)`, [`${timeoutMs}ms`])
    // The extended protocol takes one statement only: none that ends this transaction comes along.
    const text = `declare looking no scroll cursor for ${sql}`
    const opening = { text, values: [...values], queryMode: 'extended' }
    await transaction.query(opening)
    const { rows } = await transaction.query<Record<string, unknown>>('fetch 1 from looking')
    return rows[0]
  })
}
