import { createActivities } from '../../activities/index.ts'
import type { Config } from '../../platform/config.ts'
import type { Database } from '../../platform/database.ts'
import { runActivity } from './run-activity.ts'

export const date = '2025-12-15'
export const runKey = `ecommerce_daily/${date}`

/** Which attempt of the task, and the pool that it writes with. */
export interface AsAttempt {
  readonly runId: string
  readonly attempt: number
  readonly writesWith?: Database
}

/** Every writing task of ecommerce_daily on one Monday, in an order that its edges allow. */
export function tasksOfTheDay(database: Database, config: Config) {
  const day = { date, shopId: 'main', orders: 'orders', events: 'events', products: 'products' }
  const sources = {
    orders: 'staging.orders_clean',
    events: 'staging.events_clean',
    products: 'staging.products_clean',
  }
  type Activities = ReturnType<typeof createActivities>
  const task =
    <Input>(
      taskId: string,
      activity: (activities: Activities) => (input: Input) => Promise<unknown>,
      input: Input,
    ) =>
    ({ writesWith = database, runId, attempt }: AsAttempt) =>
      runActivity(
        database,
        { runKey, taskId, runId, attempt },
        activity(createActivities({ database: writesWith, config })),
        input,
      )
  const tasks: Record<string, (as: AsAttempt) => Promise<unknown>> = {}
  const add = <Input>(
    taskId: string,
    activity: (activities: Activities) => (input: Input) => Promise<unknown>,
    input: Input,
  ) => {
    tasks[taskId] = task(taskId, activity, input)
  }
  for (const source of ['orders', 'events', 'products']) {
    add(`extract_${source}`, (all) => all.extractSource, { date, source })
    add(`transform_${source}_to_staging`, (all) => all.transformToStaging, { date, source })
  }
  add('dq_checks', (all) => all.checkQuality, { date, dagId: 'ecommerce_daily', sources })
  add('load_dim_date', (all) => all.loadDimDate, day)
  add('load_dim_user', (all) => all.loadDimUser, day)
  add('load_dim_product', (all) => all.loadDimProduct, day)
  add('load_fact_orders', (all) => all.loadFactOrders, day)
  add('load_fact_events', (all) => all.loadFactEvents, day)
  add('compute_daily_metrics', (all) => all.computeDailyMetrics, { date, shopId: 'main' })
  add('score_anomalies', (all) => all.scoreAnomalies, { date, shopId: 'main' })
  add('publish', (all) => all.publish, day)
  add('notify', (all) => all.notify, { date, shopId: 'main' })
  return new Map(Object.entries(tasks))
}
