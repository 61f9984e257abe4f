import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createActivities } from '../../activities/index.ts'
import { loadConfig } from '../../platform/config.ts'
import type { Database } from '../../platform/database.ts'
import { configuredSources } from '../../platform/sources.ts'
import { runActivity } from './run-activity.ts'
import { tempFolder } from './temp-folder.ts'

/** Days of the shops booked by every task but checks and mails, one by one, without a server. */
export function wholeDays(database: Database, settings: NodeJS.ProcessEnv = {}) {
  const landingDir = tempFolder('landing')
  const config = loadConfig({ LANDING_DIR: landingDir, ...settings })
  const activities = createActivities({ database, config })
  const task = <Input extends { date: string }, Output>(
    taskId: string,
    activity: (input: Input) => Promise<Output>,
    input: Input,
  ) => runActivity(database, { runKey: `ecommerce_daily/${input.date}`, taskId }, activity, input)
  const source = 'online_retail'
  return {
    sources: configuredSources(config),
    deliver(path: string, content: string) {
      const file = join(landingDir, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    },
    async stageDay(date: string) {
      const due = await task('products_due', activities.chooseProducts, { date })
      for (const source of ['orders', 'events', ...(due.length > 0 ? ['products'] : [])]) {
        await task(`extract_${source}`, activities.extractSource, { date, source })
        const staging = activities.transformToStaging
        await task(`transform_${source}_to_staging`, staging, { date, source })
      }
    },
    async runDay(date: string) {
      await this.stageDay(date)
      const shopId = 'main'
      const day = { date, shopId, orders: 'orders', events: 'events', products: 'products' }
      await task('load_dim_date', activities.loadDimDate, day)
      await task('load_dim_user', activities.loadDimUser, day)
      await task('load_dim_product', activities.loadDimProduct, day)
      await task('load_fact_orders', activities.loadFactOrders, day)
      await task('load_fact_events', activities.loadFactEvents, day)
      await task('compute_daily_metrics', activities.computeDailyMetrics, { date, shopId })
      await task('score_anomalies', activities.scoreAnomalies, { date, shopId })
      await task('publish', activities.publish, day)
    },
    /** Publishing makes the build first, as it is not there. */
    async runOnlineRetailDay(date: string) {
      const day = { date, shopId: source, orders: source }
      await task('extract_orders', activities.extractSource, { date, source })
      await task('transform_orders', activities.transformToStaging, { date, source })
      await task('load_dim_date', activities.loadDimDate, day)
      await task('publish', activities.publish, day)
    },
  }
}
