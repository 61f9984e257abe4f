import type { BuildParts } from '../../activities/make-build.ts'
import type { Database } from '../../platform/database.ts'
import { runActivity } from './run-activity.ts'
import { sampleShop } from './sample-day.ts'

/** Publishes dimensions and facts, without metrics and findings. */
const factsAlone: BuildParts = {
  tables: {},
  publishAnomalies: async () => ({ inserted: 0, deleted: 0 }),
}

/** The Online Retail shop: its days staged, loaded and published one by one, without a server. */
export function onlineRetail(database: Database, folder: string) {
  const { activities } = sampleShop(database, { ONLINE_RETAIL_DIR: folder }, factsAlone)
  return {
    async runDay(date: string) {
      const runTask = <Input, Output>(
        taskId: string,
        activity: (input: Input) => Promise<Output>,
        input: Input,
      ) => runActivity(database, { runKey: `online_retail_daily/${date}`, taskId }, activity, input)
      await runTask('extract', activities.extractSource, { date, source: 'online_retail' })
      await runTask('transform', activities.transformToStaging, { date, source: 'online_retail' })
      const load = { date, shopId: 'online_retail', orders: 'online_retail' }
      await runTask('load_dim_date', activities.loadDimDate, load)
      await runTask('publish', activities.publish, load)
    },
  }
}
