import type { TableChange } from '../platform/apply-table.ts'
import type { Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'
import { tableExists } from '../platform/partitions.ts'

/**
 * Publishes the order anomalies of a build, in the transaction of its publication: found ones are
 * added or brought up to date without touching the verdict on them, NEW ones of the scored dates
 * that are no longer found go. Does nothing for a build without scores.
 */
export async function publishAnomalies(
  transaction: Transaction,
  build: Build,
): Promise<TableChange> {
  const isScored = await tableExists(transaction, `${build.schema}.order_anomalies`)
  if (!isScored) return { inserted: 0, deleted: 0 }
  const inserted = await mergeAnomalies(transaction, build)
  await mergeScores(transaction, build)
  const deleted = await transaction.query(
    `delete from warehouse.anomalies
     using warehouse.order_scores as score
     where score.anomaly_id = anomalies.anomaly_id
       and anomalies.status = 'NEW'
       and score.shop_id = $1
       and score.order_date in (select metric_date from ${build.schema}.metric_scores_scope)
       and not exists (
         select from ${build.schema}.order_anomalies found
         where found.anomaly_id = anomalies.anomaly_id)`,
    [build.shopId],
  )
  return { inserted, deleted: deleted.rowCount ?? 0 }
}

const scoreColumns = [
  'order_id',
  'stock_code',
  'quantity',
  'median_qty',
  'std_deviation',
  'z_score',
  'alert_timestamp',
]
const inputColumns = [
  'shop_id',
  'order_date',
  'line_no',
  'vendor_id',
  'history_orders',
  'threshold_qty',
]

async function mergeAnomalies(transaction: Transaction, build: Build): Promise<number> {
  const merged = await transaction.query<{ isNew: boolean }>(
    `${mergeSql(build, 'anomalies', scoreColumns)} returning xmax = 0 as "isNew"`,
  )
  return merged.rows.filter((row) => row.isNew).length
}

async function mergeScores(transaction: Transaction, build: Build): Promise<void> {
  await transaction.query(mergeSql(build, 'order_scores', inputColumns))
}

/** Rows that have not changed are not written, so that a rerun leaves even their versions alone. */
function mergeSql(build: Build, table: string, columns: readonly string[]): string {
  const list = (prefix: string) => columns.map((column) => prefix + column).join(', ')
  return `
    insert into warehouse.${table} as published (anomaly_id, ${list('')})
    select anomaly_id, ${list('')} from ${build.schema}.order_anomalies
    on conflict (anomaly_id) do update set (${list('')}) = row(${list('excluded.')})
    where (${list('published.')}) is distinct from (${list('excluded.')})`
}
