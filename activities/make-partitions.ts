import type { Transaction } from '../platform/database.ts'
import { ensurePartition } from '../platform/partitions.ts'
import type { LoadPlan } from './load.ts'

/** The facts by the family of their records, and the column of their business date. */
const facts = [
  { table: 'warehouse.fact_orders', staged: 'staging.order_lines', dateColumn: 'order_date' },
  { table: 'warehouse.fact_events', staged: 'staging.events', dateColumn: 'event_date' },
] as const

/**
 * Makes the partitions that publishing a delivery date fills, empty, before it does. Rows that came into
 * sight by attaching their partition would be missing for who planned a statement before and took its
 * snapshot after, and too early for who has an older snapshot.
 */
export async function makePartitions(
  transaction: Transaction,
  plan: LoadPlan,
  date: string,
): Promise<void> {
  for (const { table, staged, dateColumn } of facts) {
    const { rows } = await transaction.query<{ date: string }>(
      `select distinct ${dateColumn} as date from ${plan.stagingTables[staged]} as staged
       where load_date = $1 order by 1`,
      [date],
    )
    for (const { date } of rows) await ensurePartition(transaction, table, date)
  }
  for (const table of plan.candidates.keys()) await ensurePartition(transaction, table, date)
}
