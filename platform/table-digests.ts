import type { Database, Transaction } from './database.ts'

/** What readers of the warehouse see, and which of its columns say nothing about the shop. */
export interface DigestedTable {
  readonly table: string
  /** Where a row was read or when it was written: the same books may have been made another way. */
  readonly leftOut: readonly string[]
}

const lineage = ['file_id', 'record_no']
/** What people said of a finding, and when it was first seen. */
const verdicts = ['status', 'investigator_notes', 'created_at']

const digestedTables: readonly DigestedTable[] = [
  { table: 'dim_date', leftOut: [] },
  { table: 'dim_user', leftOut: [] },
  { table: 'dim_product', leftOut: [] },
  { table: 'fact_orders', leftOut: lineage },
  { table: 'fact_events', leftOut: lineage },
  { table: 'daily_metrics', leftOut: [] },
  { table: 'metric_scores', leftOut: [] },
  { table: 'anomalies', leftOut: verdicts },
  { table: 'order_scores', leftOut: [] },
]

export interface TableDigest {
  readonly rows: number
  /** 32 hexadecimal digits: two sums of 64 bits over the hashes of the rows, free of their order. */
  readonly digest: string
}

/**
 * Digests of the published tables. Rows are hashed by PostgreSQL's own hash of records, so values
 * that are equal to it are equal here: 1.5 and 1.50, one instant in two zones. Run it in a
 * repeatable read transaction for one moment of all tables.
 */
export async function digestTables(
  database: Pick<Database | Transaction, 'query'>,
  schema = 'warehouse',
  tables: readonly DigestedTable[] = digestedTables,
): Promise<Record<string, TableDigest>> {
  const digests: Record<string, TableDigest> = {}
  for (const { table, leftOut } of tables) {
    digests[table] = await digestTable(database, `${schema}.${table}`, leftOut)
  }
  return digests
}

async function digestTable(
  database: Pick<Database | Transaction, 'query'>,
  table: string,
  leftOut: readonly string[],
): Promise<TableDigest> {
  const columns = await comparedColumns(database, table, leftOut)
  const row = `row(${columns.join(', ')})`
  const { rows } = await database.query<{ rows: number; sums: [string, string] }>(
    `select count(*) as rows, array[${sumOf(`hash_record_extended(${row}, 0)`)},
       ${sumOf(`hash_record_extended(${row}, 1)`)}] as sums from ${table}`,
  )
  const [found] = rows
  if (found === undefined) throw new Error(`${table} gave no digest`)
  return { rows: found.rows, digest: found.sums.map(asHex).join('') }
}

/** Names of a table's columns that count, in their order. */
async function comparedColumns(
  database: Pick<Database | Transaction, 'query'>,
  table: string,
  leftOut: readonly string[],
): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname <> all ($2)
     order by attnum`,
    [table, leftOut],
  )
  return rows.map(({ name }) => name)
}

function sumOf(hash: string): string {
  return `coalesce(sum(${hash}::numeric), 0)::text`
}

/** Modulo 2^64, as a sum of 64-bit hashes wraps around. */
function asHex(sum: string): string {
  return BigInt.asUintN(64, BigInt(sum)).toString(16).padStart(16, '0')
}
