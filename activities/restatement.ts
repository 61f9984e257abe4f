import type { DateChange } from '../platform/apply-table.ts'
import type { Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'

const mainFigures = ['gross_revenue', 'net_revenue', 'orders', 'units', 'customers', 'events']

/** Main figures of a day by metric, as decimal text; null where there is no such figure. */
export type MainFigures = Readonly<Record<string, string | null>>

/** What publishing a day again changed: kept in audit.publications, shown by `daybook show`. */
export interface Restatement {
  /** Of the day itself, before and after, whether they differ or not. */
  readonly figures: readonly { metric: string; before: string | null; after: string | null }[]
  /** Rows by table and business date; only those that moved. */
  readonly rows: readonly ({ table: string } & DateChange)[]
}

/** The published main figures of the build's day, at this moment of the transaction. */
export async function readMainFigures(
  transaction: Transaction,
  { shopId, date }: Build,
): Promise<MainFigures> {
  const found = await transaction.query<{ metric: string; value: string | null }>(
    `select metric, trim_scale(value)::text as value from warehouse.daily_metrics
     where shop_id = $1 and metric_date = $2 and dimension = 'all' and metric = any($3)`,
    [shopId, date, mainFigures],
  )
  return Object.fromEntries(found.rows.map(({ metric, value }) => [metric, value]))
}

/** Whether something of the build's day is published already. */
export async function isPublishedAgain(
  transaction: Transaction,
  { shopId, date }: Build,
): Promise<boolean> {
  const found = await transaction.query(
    'select from audit.publications where shop_id = $1 and logical_date = $2 limit 1',
    [shopId, date],
  )
  return found.rowCount === 1
}

export function restatementOf(
  before: MainFigures,
  after: MainFigures,
  rows: Restatement['rows'],
): Restatement {
  const figures = mainFigures
    .filter((metric) => metric in before || metric in after)
    .map((metric) => ({
      ...{ metric, before: before[metric] ?? null, after: after[metric] ?? null },
    }))
  return { figures, rows }
}
