import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createMetricActivities } from '../../activities/compute-metrics.ts'
import { createExtractActivities } from '../../activities/extract.ts'
import { buildParts } from '../../activities/index.ts'
import { createLoadActivities, type LoadInput } from '../../activities/load.ts'
import type { BuildParts } from '../../activities/make-build.ts'
import { createPublishActivities } from '../../activities/publish.ts'
import { createAnomalyActivities } from '../../activities/score-anomalies.ts'
import { createTransformActivities } from '../../activities/transform.ts'
import { loadConfig } from '../../platform/config.ts'
import type { Database } from '../../platform/database.ts'
import { configuredSources } from '../../platform/sources.ts'
import { judgeAndLetPass } from './let-pass.ts'
import { runActivity } from './run-activity.ts'
import { tempFolder } from './temp-folder.ts'

/** A landing zone of a test's own, and the tasks of the daily batch run on it one by one. */
export function sampleShop(
  database: Database,
  env: NodeJS.ProcessEnv = {},
  parts: BuildParts = buildParts,
  publishing: { lockLimitMs?: number } = {},
) {
  const landingDir = tempFolder('landing')
  const sources = configuredSources(loadConfig({ LANDING_DIR: landingDir, ...env }))
  const deps = { database, sources }
  const activities = {
    ...createExtractActivities(deps),
    ...createTransformActivities(deps),
    ...createLoadActivities(deps),
    ...createMetricActivities(deps),
    ...createAnomalyActivities(deps),
    ...createPublishActivities({ ...deps, ...publishing, parts }),
  }
  const runTask = <Input extends { date: string }, Output>(
    taskId: string,
    activity: (input: Input) => Promise<Output>,
    input: Input,
  ) => runActivity(database, { runKey: `ecommerce_daily/${input.date}`, taskId }, activity, input)
  const stage = async (source: string, date: string) => {
    await runTask(`extract_${source}`, activities.extractSource, { date, source })
    return runTask(`transform_${source}_to_staging`, activities.transformToStaging, {
      date,
      source,
    })
  }
  const stageDay = async (date: string) => {
    await Promise.all([stage('orders', date), stage('events', date)])
    const isDue = await runTask('products_due', activities.chooseProducts, { date })
    if (isDue.length > 0) await stage('products', date)
  }
  const publishDay = (date: string) => runTask('publish', activities.publish, loadInput(date))
  return {
    landingDir,
    sources,
    activities,
    runTask,
    stage,
    stageDay,
    deliver(path: string, content: string | Uint8Array) {
      const file = join(landingDir, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    },
    /** The checks of a staged day; one that they would stop is let pass, as if nothing had failed. */
    judgeDay: (date: string) => runTask('dq_checks', judgeAndLetPass(database), { date }),
    async loadDay(date: string) {
      await stageDay(date)
      return this.buildDay(date)
    },
    async buildDay(date: string) {
      const input = loadInput(date)
      await runTask('load_dim_date', activities.loadDimDate, input)
      await runTask('load_dim_user', activities.loadDimUser, input)
      await runTask('load_dim_product', activities.loadDimProduct, input)
      await runTask('load_fact_orders', activities.loadFactOrders, input)
      await runTask('load_fact_events', activities.loadFactEvents, input)
      await runTask('compute_daily_metrics', activities.computeDailyMetrics, input)
      await runTask('score_anomalies', activities.scoreAnomalies, input)
    },
    /** Publishing alone: it makes a build that no task has made. */
    async stageAndPublish(date: string) {
      await stageDay(date)
      return this.buildAndPublish(date)
    },
    async buildAndPublish(date: string) {
      await runTask('load_dim_date', activities.loadDimDate, loadInput(date))
      return publishDay(date)
    },
    publishDay,
    publishAs: (attempt: { runKey: string; taskId: string; runId: string; attempt: number }) =>
      runActivity(database, attempt, activities.publish, loadInput(attempt.runKey.slice(-10))),
    async runDay(date: string) {
      await this.loadDay(date)
      return publishDay(date)
    },
  }
}

function loadInput(date: string): LoadInput {
  return { date, shopId: 'main', orders: 'orders', events: 'events', products: 'products' }
}

export function order(id: string, fields: Record<string, unknown> = {}) {
  return {
    order_id: id,
    user_id: 'USR-1',
    product_id: 'PRD-1',
    quantity: 2,
    price: 12.345,
    timestamp: '2025-12-15T10:00:00Z',
    status: 'paid',
    ...fields,
  }
}

export function orderOn(date: string, id: string, fields: Record<string, unknown> = {}) {
  return order(id, { timestamp: `${date}T10:00:00Z`, ...fields })
}

export const eventsHeader =
  'event_id,user_id,product_id,event_type,event_ts,session_id,url,user_agent'

export function deliverDay(
  shop: { deliver(path: string, content: string): void },
  date: string,
  orders: unknown[],
  events: string[],
  products?: unknown[],
): void {
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(orders))
  shop.deliver(`events/${date}/events.csv`, [eventsHeader, ...events, ''].join('\n'))
  if (products) shop.deliver(`products/products_${date}.json`, JSON.stringify(products))
}
