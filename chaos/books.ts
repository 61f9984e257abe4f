import type { Database, Transaction } from '../platform/database.ts'
import { inTransaction } from '../platform/database.ts'
import type { DigestedTable } from '../platform/table-digests.ts'
import { digestTables } from '../platform/table-digests.ts'

/** All that must be the same however often a week was disturbed. */
export interface Books {
  /** Rows and digest by table. */
  readonly digests: Readonly<Record<string, string>>
  /** `<finding> to <recipient>`, sorted. */
  readonly mailedFindings: readonly string[]
}

const file = ['file_id', 'duplicate_of', 'run_id', 'received_at']
const record = ['file_id', 'kept_file_id', 'run_id', 'quarantined_at']

/** What has been received: each file and record once. Ids and clocks say nothing about the shop. */
const received: Readonly<Record<string, readonly DigestedTable[]>> = {
  raw: ['orders', 'events', 'products'].map((table) => ({ table, leftOut: ['file_id'] })),
  staging: ['orders_clean', 'events_clean', 'products_clean'].map((table) => ({
    ...{ table, leftOut: ['file_id'] },
  })),
  audit: [
    { table: 'source_files', leftOut: file },
    { table: 'bad_records', leftOut: record },
    { table: 'duplicate_records', leftOut: record },
    { table: 'published_loads', leftOut: ['run_id', 'published_at'] },
  ],
}

/** As they are at one moment. */
export async function readBooks(database: Database): Promise<Books> {
  return inTransaction(database, async (transaction) => {
    await transaction.query('set transaction isolation level repeatable read')
    const digests: Record<string, string> = {}
    const keep = async (schema: string, tables?: readonly DigestedTable[]) => {
      const found = await digestTables(transaction, schema, tables)
      for (const [table, { rows, digest }] of Object.entries(found)) {
        digests[`${schema}.${table}`] = `${rows} rows, ${digest}`
      }
    }
    await keep('warehouse')
    for (const [schema, tables] of Object.entries(received)) await keep(schema, tables)
    return { digests, mailedFindings: await readMailedFindings(transaction) }
  })
}

async function readMailedFindings(transaction: Transaction): Promise<string[]> {
  const { rows } = await transaction.query<{ mailed: string }>(
    `select finding_key || ' to ' || recipient as mailed from audit.mailed_findings order by 1`,
  )
  return rows.map(({ mailed }) => mailed)
}

/** In words, what of the books differs; a finding of a state in between may have been mailed besides. */
export function differencesOf(undisturbed: Books, disturbed: Books): string[] {
  const tables = Object.entries(undisturbed.digests)
    .filter(([table, digest]) => disturbed.digests[table] !== digest)
    .map(([table, digest]) => `${table}: ${digest} undisturbed, ${disturbed.digests[table]} now`)
  const mailed = new Set(disturbed.mailedFindings)
  const unmailed = undisturbed.mailedFindings
    .filter((finding) => !mailed.has(finding))
    .map((finding) => `never mailed: ${finding}`)
  return [...tables, ...unmailed]
}
