import type { Command } from 'commander'
import { Option } from 'commander'
import type { Database } from '../platform/database.ts'
import { jsonOption, limitOption, parseDate } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { printJson, printLine, printTable } from './print.ts'

interface Flags {
  date?: string
  status?: string
  limit: number
  json?: true
}

export function registerAnomalies(program: Command): void {
  program
    .command('anomalies')
    .addOption(new Option('--date <date>', 'only of this business date').argParser(parseDate))
    .addOption(
      new Option('--status <status>', 'only orders with this verdict').choices([
        ...['NEW', 'REVIEWED', 'RESOLVED', 'FALSE_POSITIVE'],
      ]),
    )
    .addOption(limitOption(50))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  daybook anomalies --date 2025-12-20
  daybook anomalies --status NEW --json`,
    )
    .action(listAnomalies)
}

async function listAnomalies(flags: Flags): Promise<void> {
  const found = await withDatabase(async (database) => ({
    orders: await readUnusualOrders(database, flags),
    metrics: flags.status === undefined ? await readUnusualMetrics(database, flags) : [],
  }))
  if (flags.json) return printJson(found)
  printOrders(found.orders)
  if (flags.status !== undefined) return
  printLine()
  printMetrics(found.metrics)
}

interface UnusualOrder {
  anomaly_id: string
  order_id: string
  shop_id: string | null
  order_date: string | null
  stock_code: string
  quantity: number
  median_qty: string
  std_deviation: string
  z_score: string | null
  status: string
}

async function readUnusualOrders(database: Database, flags: Flags): Promise<UnusualOrder[]> {
  const { rows } = await database.query<UnusualOrder>(
    `select anomaly.anomaly_id::text, anomaly.order_id, score.shop_id, score.order_date,
       anomaly.stock_code, anomaly.quantity, anomaly.median_qty, anomaly.std_deviation,
       anomaly.z_score, anomaly.status
     from warehouse.anomalies as anomaly
     left join warehouse.order_scores as score using (anomaly_id)
     where ($1::date is null or score.order_date = $1)
       and ($2::text is null or anomaly.status = $2)
     order by score.order_date desc, anomaly.z_score desc nulls last
     limit $3`,
    [flags.date ?? null, flags.status ?? null, flags.limit],
  )
  return rows
}

function printOrders(rows: UnusualOrder[]): void {
  const cells = rows.map((row) => [
    ...[row.order_date, row.shop_id, row.order_id, row.stock_code, row.quantity],
    ...[rounded(row.median_qty), rounded(row.std_deviation), rounded(row.z_score), row.status],
  ])
  const titles = ['date', 'shop', 'order', 'product', 'quantity', 'median', 'sd', 'z', 'status']
  printTable(titles, cells, 'No unusual orders.')
}

interface UnusualMetric {
  metric_date: string
  shop_id: string
  metric: string
  dimension: string
  segment: string
  value: string | null
  expected: string | null
  z_score: string | null
}

async function readUnusualMetrics(database: Database, flags: Flags): Promise<UnusualMetric[]> {
  const { rows } = await database.query<UnusualMetric>(
    `select metric_date, shop_id, metric, dimension, segment, value, expected, z_score
     from warehouse.metric_scores
     where is_anomaly and ($1::date is null or metric_date = $1)
     order by metric_date desc, abs(z_score) desc nulls last
     limit $2`,
    [flags.date ?? null, flags.limit],
  )
  return rows
}

function printMetrics(rows: UnusualMetric[]): void {
  const cells = rows.map((row) => [
    ...[row.metric_date, row.shop_id, row.metric],
    ...[row.dimension === 'all' ? '' : `${row.dimension}=${row.segment}`],
    ...[rounded(row.value), rounded(row.expected), rounded(row.z_score)],
  ])
  const titles = ['date', 'shop', 'figure', 'segment', 'found', 'expected', 'z']
  printTable(titles, cells, 'No unusual figures.')
}

function rounded(value: string | null): number | null {
  return value === null ? null : Math.round(Number(value) * 100) / 100
}
