import type { Database, Transaction } from './database.ts'

/** What readers of the warehouse see, and which of its columns say nothing about the shop. */
export interface DigestedTable {
  readonly table: string
  /** Where a row was read or when it was written: the same books may have been made another way. */
  readonly leftOut: readonly string[]
}

/** A table that verifying compares row by row. */
export interface ComparedTable extends DigestedTable {
  /** Columns that name a row, first those that a person knows it by. */
  readonly key: readonly string[]
}

const lineage = ['file_id', 'record_no']
/** What people said of a finding, and when it was first seen. */
const verdicts = ['status', 'investigator_notes', 'created_at']

const figure = ['metric_date', 'metric', 'dimension', 'segment']

export const comparedTables: readonly ComparedTable[] = [
  { table: 'dim_date', key: ['date_key'], leftOut: [] },
  { table: 'dim_user', key: ['user_id', 'user_key'], leftOut: [] },
  { table: 'dim_product', key: ['vendor_id', 'product_id', 'product_key'], leftOut: [] },
  { table: 'fact_orders', key: ['order_id', 'line_no', 'order_date'], leftOut: lineage },
  { table: 'fact_events', key: ['event_id', 'event_date'], leftOut: lineage },
  { table: 'daily_metrics', key: figure, leftOut: [] },
  { table: 'metric_scores', key: figure, leftOut: [] },
  { table: 'anomalies', key: ['order_id', 'anomaly_id'], leftOut: verdicts },
  { table: 'order_scores', key: ['anomaly_id'], leftOut: [] },
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
  tables: readonly DigestedTable[] = comparedTables,
): Promise<Record<string, TableDigest>> {
  const digests: Record<string, TableDigest> = {}
  for (const { table, leftOut } of tables) {
    const columns = await comparedColumns(database, `${schema}.${table}`, leftOut)
    digests[table] = await digestRows(database, columns, `select * from ${schema}.${table}`)
  }
  return digests
}

/** The digest of what a select gives, over these of its columns. */
export async function digestRows(
  database: Pick<Database | Transaction, 'query'>,
  columns: readonly string[],
  select: string,
): Promise<TableDigest> {
  const row = `row(${columns.join(', ')})`
  const { rows } = await database.query<{ rows: number; sums: [string, string] }>(
    `select count(*) as rows, array[${sumOf(`hash_record_extended(${row}, 0)`)},
       ${sumOf(`hash_record_extended(${row}, 1)`)}] as sums from (${select}) as digested`,
  )
  const [found] = rows
  if (found === undefined) throw new Error(`There is no digest of ${select}`)
  return { rows: found.rows, digest: found.sums.map(asHex).join('') }
}

/** Names of a table's columns that count, in their order; generated ones follow from these. */
export async function comparedColumns(
  database: Pick<Database | Transaction, 'query'>,
  table: string,
  leftOut: readonly string[],
): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
       and attname <> all ($2)
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
