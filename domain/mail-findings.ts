import { expectedRange } from './anomaly.ts'
import { composeMail, type Block, type MailContent } from './mail-document.ts'

/** An order line whose quantity is unusual for its product. Quantities and z as text, from SQL. */
export interface OrderFinding {
  readonly kind: 'order'
  readonly key: string
  readonly orderId: string
  readonly lineNo: number
  readonly orderDate: string
  readonly vendorId: string
  readonly productId: string
  readonly quantity: number
  readonly medianQty: number
  readonly thresholdQty: number
  readonly zScore: number | null
}

/** A day's figure that lies outside its expected range. */
export interface MetricFinding {
  readonly kind: 'metric'
  readonly key: string
  readonly metric: string
  readonly metricDate: string
  readonly value: number
  readonly expected: number
  readonly scale: number
  readonly zScore: number
}

export type Finding = OrderFinding | MetricFinding

const maxShown = 20

/**
 * The one mail of a run with findings: figures of whole days first, then single orders, each ranked
 * by distance from what was expected; at most 20 are shown, the rest is counted.
 */
export function composeFindingsMail(
  run: { dagId: string; date: string; shopId: string; fixedRecords: number },
  findings: readonly Finding[],
): MailContent {
  const metrics = findings.filter((finding) => finding.kind === 'metric').sort(byDistance)
  const orders = findings.filter((finding) => finding.kind === 'order').sort(byDistance)
  const shownMetrics = metrics.slice(0, maxShown)
  const shownOrders = orders.slice(0, maxShown - shownMetrics.length)
  const what = findings.length === 1 ? '1 finding' : `${findings.length} findings`
  return composeMail(`Daybook: ${what} on ${run.date} (shop ${run.shopId})`, [
    { kind: 'heading', text: `${what} on ${run.date}` },
    { kind: 'paragraph', text: `Run ${run.dagId}/${run.date} of shop ${run.shopId}.` },
    ...metricBlocks(shownMetrics, metrics.length),
    ...orderBlocks(shownOrders, orders.length),
    ...fixedBlocks(run),
    { kind: 'paragraph', text: 'To see all of them: daybook anomalies' },
  ])
}

/** Figures that rest on records which somebody corrected by hand say so. */
function fixedBlocks({ date, fixedRecords }: { date: string; fixedRecords: number }): Block[] {
  if (fixedRecords === 0) return []
  const text = `Records of ${date} that were corrected in quarantine: ${fixedRecords}`
  return [{ kind: 'paragraph', text }]
}

function metricBlocks(shown: readonly MetricFinding[], total: number): Block[] {
  if (total === 0) return []
  return [
    { kind: 'heading', text: `Daily figures outside their expected range: ${total}` },
    {
      kind: 'table',
      columns: ['figure', 'date', 'value', 'expected', 'expected range', 'z'],
      rows: shown.map(metricRow),
    },
    ...restBlocks(total - shown.length),
  ]
}

function metricRow(finding: MetricFinding): string[] {
  const range = expectedRange(finding.expected, finding.scale)
  return [
    finding.metric,
    finding.metricDate,
    `${inWords(finding.value)} (${finding.zScore < 0 ? 'too low' : 'too high'})`,
    inWords(finding.expected),
    `${inWords(range.from)} to ${inWords(range.to)}`,
    finding.zScore.toFixed(1),
  ]
}

function orderBlocks(shown: readonly OrderFinding[], total: number): Block[] {
  if (total === 0) return []
  const heading = `Order lines with an unusual quantity for their product: ${total}`
  if (shown.length === 0) return [{ kind: 'heading', text: heading }, ...restBlocks(total)]
  return [
    { kind: 'heading', text: heading },
    {
      kind: 'table',
      columns: ['order', 'line', 'date', 'vendor', 'product', 'quantity', 'median', 'limit', 'z'],
      rows: shown.map(orderRow),
    },
    ...restBlocks(total - shown.length),
  ]
}

function orderRow(finding: OrderFinding): string[] {
  return [
    finding.orderId,
    String(finding.lineNo),
    finding.orderDate,
    finding.vendorId,
    finding.productId,
    inWords(finding.quantity),
    inWords(finding.medianQty),
    inWords(finding.thresholdQty),
    finding.zScore === null ? 'none (all alike before)' : finding.zScore.toFixed(1),
  ]
}

function restBlocks(count: number): Block[] {
  return count > 0
    ? [{ kind: 'paragraph', text: `and ${count} more, less far from expected.` }]
    : []
}

/** Farthest first; without a z (no spread in the history) last; then by key, so that order is stable. */
function byDistance(one: Finding, other: Finding): number {
  const distance = (finding: Finding) => Math.abs(finding.zScore ?? 0)
  return distance(other) - distance(one) || (one.key < other.key ? -1 : 1)
}

function inWords(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 })
}
