import {
  maxHistoryDays,
  metricMethod,
  orderHistoryDays,
  scoreMetric,
  type HistoryDay,
} from '../domain/anomaly.ts'
import { beginTable, buildFor, fillTable, type Build } from '../platform/build.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { currentAttempt } from './current-attempt.ts'
import { requireBuilt } from './require-built.ts'
import { scoredDatesSql } from './scored-dates.ts'
import { partNamed, unlessUpToDate, type MaybeUpToDate } from './up-to-date.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface ScoreAnomaliesInput {
  date: string
  shopId: string
}

export interface ScoreAnomaliesOutput {
  orderAnomalies: number
  metricAnomalies: number
  rowsOut: number
}

export function createAnomalyActivities({ database }: { database: Database }) {
  return {
    /**
     * Scores the business dates that this run changes, in its unpublished build: order lines by the
     * classic rule, daily metrics by robust z. Repeatable; does nothing when up to date; publishing
     * makes the findings visible.
     */
    async scoreAnomalies(input: ScoreAnomaliesInput): Promise<MaybeUpToDate<ScoreAnomaliesOutput>> {
      const build = buildFor(currentAttempt().runKey, input.shopId)
      const part = partNamed(input.shopId, 'metric_scores')
      return writeInAttempt(database, (transaction) =>
        unlessUpToDate(transaction, build, part, async () => {
          await requireBuilt(transaction, build, ['fact_orders', 'daily_metrics'])
          return scoreBuild(transaction, build)
        }),
      )
    },
  }
}

/** Scores a build anew, within the caller's transaction; also for publishing to build it again. */
export async function scoreBuild(
  transaction: Transaction,
  build: Build,
): Promise<ScoreAnomaliesOutput> {
  await beginTable(transaction, build, 'metric_scores', {
    sql: await scoredDatesSql(transaction, build),
    params: [build.shopId],
  })
  return fillScores(transaction, build)
}

/** Scores every date in the scope of the build's metric_scores. */
export async function fillScores(
  transaction: Transaction,
  build: Build,
): Promise<ScoreAnomaliesOutput> {
  const orderAnomalies = await scoreOrders(transaction, build)
  const { anomalies: metricAnomalies, rows } = await scoreMetrics(transaction, build)
  return { orderAnomalies, metricAnomalies, rowsOut: orderAnomalies + rows }
}

async function scoreOrders(transaction: Transaction, build: Build): Promise<number> {
  await transaction.query(`
    drop table if exists ${build.schema}.order_anomalies;
    create table ${build.schema}.order_anomalies as
      select anomaly_id, shop_id, order_id, line_no, order_date, vendor_id, stock_code, quantity,
        median_qty, std_deviation, z_score, history_orders, threshold_qty, alert_timestamp
      from warehouse.anomalies join warehouse.order_scores using (anomaly_id) where false`)
  return fillTable(transaction, build, 'anomalies/order_anomalies', [
    build.shopId,
    orderHistoryDays,
  ])
}

interface Figure {
  metric: string
  dayNo: number
  value: string
}

async function scoreMetrics(transaction: Transaction, build: Build) {
  const days = await transaction.query<{ date: string; dayNo: number }>(
    `select metric_date as date, metric_date - date '1970-01-01' as "dayNo"
     from ${build.schema}.metric_scores_scope
     where shop_id = $1 and metric_date in (
       select metric_date from ${build.schema}.daily_metrics_next
       where shop_id = $1 and dimension = 'all')
     order by metric_date`,
    [build.shopId],
  )
  const figures = await readFigures(transaction, build)
  const seriesByMetric = [...Map.groupBy(figures, (figure) => figure.metric)]
  const scores = seriesByMetric.flatMap(([metric, series]) =>
    days.rows.flatMap((day) => scoreDay(metric, day, series)),
  )
  await insertScores(transaction, build, scores)
  return { rows: scores.length, anomalies: scores.filter((score) => score.is_anomaly).length }
}

/** Every metric's figures of the scored days and the history before them; a null is no figure. */
async function readFigures(transaction: Transaction, build: Build): Promise<Figure[]> {
  const figures = await transaction.query<Figure>(
    `select metric, metric_date - date '1970-01-01' as "dayNo", value
     from ${build.schema}.daily_metrics_next
     where shop_id = $1 and dimension = 'all' and value is not null
       and metric_date >= (select min(metric_date) from ${build.schema}.metric_scores_scope) - $2::integer
       and metric_date <= (select max(metric_date) from ${build.schema}.metric_scores_scope)
     order by metric, metric_date`,
    [build.shopId, maxHistoryDays],
  )
  return figures.rows
}

/** None where the metric has no figure of the day or its history: what came later does not tell. */
function scoreDay(metric: string, day: { date: string; dayNo: number }, series: readonly Figure[]) {
  const known = series.filter(
    ({ dayNo }) => dayNo <= day.dayNo && dayNo >= day.dayNo - maxHistoryDays,
  )
  if (known.length === 0) return []
  const value = known.find((figure) => figure.dayNo === day.dayNo)?.value ?? null
  const past = known.map((figure): HistoryDay => ({ ...figure, value: Number(figure.value) }))
  const score = scoreMetric(day.dayNo, value === null ? null : Number(value), past)
  return [
    {
      metric_date: day.date,
      metric,
      value,
      expected: rounded(score.expected),
      scale: rounded(score.scale),
      z_score: rounded(score.zScore),
      history_days: score.historyDays,
      state: score.state,
      is_anomaly: score.isAnomaly,
    },
  ]
}

function rounded(value: number | null): string | null {
  return value === null ? null : value.toFixed(6)
}

async function insertScores(
  transaction: Transaction,
  build: Build,
  scores: readonly ReturnType<typeof scoreDay>[number][],
): Promise<void> {
  await transaction.query(
    `insert into ${build.schema}.metric_scores (shop_id, metric_date, metric, dimension, segment,
       value, expected, scale, z_score, history_days, state, is_anomaly, method)
     select $1, metric_date, metric, 'all', 'all', value, expected, scale, z_score, history_days,
       state, is_anomaly, $2
     from jsonb_to_recordset($3::jsonb) as score (metric_date date, metric text, value numeric,
       expected numeric, scale numeric, z_score numeric, history_days integer, state text,
       is_anomaly boolean)`,
    [build.shopId, metricMethod, JSON.stringify(scores)],
  )
}
