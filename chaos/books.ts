import type { Database, Transaction } from '../platform/database.ts'
import { inTransaction } from '../platform/database.ts'
import type { TableDigest } from '../platform/table-digests.ts'
import { comparedColumns, digestRows, digestTables } from '../platform/table-digests.ts'

/** All that must be the same however often a week was disturbed. */
export interface Books {
  /** Rows and digest by table. */
  readonly digests: Readonly<Record<string, string>>
  /** `<finding> to <recipient>`, sorted. */
  readonly mailedFindings: readonly string[]
}

const file = ['file_id', 'duplicate_of', 'run_id', 'received_at']
const record = ['file_id', 'kept_file_id', 'run_id', 'quarantined_at']

/** A file that another day has taken over, and what it brought, is kept and counts no more. */
const inForce = `state <> 'superseded'`
const ofFilesInForce = `file_id in (select file_id from audit.source_files where ${inForce})`

interface Received {
  readonly table: string
  readonly leftOut: readonly string[]
  readonly where?: string
}

/** What has been received: each file and record once. Ids and clocks say nothing about the shop. */
const received: readonly Received[] = [
  ...['orders', 'events', 'products'].flatMap((source) => [
    { table: `raw.${source}`, leftOut: ['file_id'], where: ofFilesInForce },
    { table: `staging.${source}_clean`, leftOut: ['file_id'] },
  ]),
  { table: 'audit.source_files', leftOut: file, where: inForce },
  { table: 'audit.bad_records', leftOut: record },
  { table: 'audit.duplicate_records', leftOut: record },
  { table: 'audit.published_loads', leftOut: ['run_id', 'published_at'] },
]

/** As they are at one moment. */
export async function readBooks(database: Database): Promise<Books> {
  return inTransaction(database, async (transaction) => {
    await transaction.query('set transaction isolation level repeatable read')
    const digests: Record<string, string> = {}
    const keep = (table: string, { rows, digest }: TableDigest) => {
      digests[table] = `${rows} rows, ${digest}`
    }
    for (const [table, found] of Object.entries(await digestTables(transaction))) {
      keep(`warehouse.${table}`, found)
    }
    for (const { table, leftOut, where = 'true' } of received) {
      const columns = await comparedColumns(transaction, table, leftOut)
      const select = `select * from ${table} where ${where}`
      keep(table, await digestRows(transaction, columns, select))
    }
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
