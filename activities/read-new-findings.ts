import { orderHistoryDays } from '../domain/anomaly.ts'
import type { Finding, MetricFinding, OrderFinding } from '../domain/mail-findings.ts'
import type { Transaction } from '../platform/database.ts'

interface Search {
  date: string
  shopId: string
  recipient: string
}

/**
 * The published findings of the business dates that the run changed (its own, those of late records,
 * and the days after them, which have them in their history), without those that the recipient was
 * mailed before, by whatever run.
 */
export async function readNewFindings(
  transaction: Transaction,
  { date, shopId, recipient }: Search,
): Promise<Finding[]> {
  const params = [date, shopId, recipient]
  const metrics = await transaction.query<MetricRow>(newMetricFindings, params)
  const orders = await transaction.query<OrderRow>(newOrderFindings, params)
  return [...metrics.rows.map(toMetricFinding), ...orders.rows.map(toOrderFinding)]
}

const isOfRun = (dateColumn: string) => `
  ${dateColumn} <= $1::date + ${orderHistoryDays} and ${dateColumn} >= (
    select least($1::date, min(business_date))
    from audit.published_loads, unnest(business_dates) as business_date
    where load_date = $1::date)`

const isNotMailed = `not exists (
  select from audit.mailed_findings mailed
  where mailed.finding_key = finding.key and mailed.recipient = $3)`

type MetricRow = Omit<MetricFinding, 'kind' | 'value' | 'expected' | 'scale' | 'zScore'> &
  Record<'value' | 'expected' | 'scale' | 'zScore', string>

/** A figure that turns from too low to too high is another finding. */
const newMetricFindings = `
  select * from (
    select concat_ws(' ', 'metric', shop_id, metric, dimension, segment, metric_date,
        case when z_score < 0 then 'low' else 'high' end) as key,
      metric, metric_date as "metricDate", value, expected, scale, z_score as "zScore"
    from warehouse.metric_scores
    where shop_id = $2 and is_anomaly and ${isOfRun('metric_date')}
  ) finding
  where ${isNotMailed}`

type OrderRow = Omit<OrderFinding, 'kind' | 'medianQty' | 'thresholdQty' | 'zScore'> &
  Record<'medianQty' | 'thresholdQty', string> & { zScore: string | null }

const newOrderFindings = `
  select * from (
    select concat_ws(' ', 'order', score.shop_id, anomaly_id) as key,
      order_id as "orderId", score.line_no as "lineNo", score.order_date as "orderDate",
      score.vendor_id as "vendorId", stock_code as "productId", quantity,
      median_qty as "medianQty", score.threshold_qty as "thresholdQty", z_score as "zScore"
    from warehouse.anomalies join warehouse.order_scores score using (anomaly_id)
    where score.shop_id = $2 and status = 'NEW' and ${isOfRun('score.order_date')}
  ) finding
  where ${isNotMailed}`

function toMetricFinding(row: MetricRow): MetricFinding {
  return {
    ...row,
    kind: 'metric',
    value: Number(row.value),
    expected: Number(row.expected),
    scale: Number(row.scale),
    zScore: Number(row.zScore),
  }
}

function toOrderFinding(row: OrderRow): OrderFinding {
  return {
    ...row,
    kind: 'order',
    medianQty: Number(row.medianQty),
    thresholdQty: Number(row.thresholdQty),
    zScore: row.zScore === null ? null : Number(row.zScore),
  }
}
