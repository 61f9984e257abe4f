import { createExtractActivities } from '../../activities/extract.ts'
import { createLoadActivities } from '../../activities/load.ts'
import { createPublishActivities } from '../../activities/publish.ts'
import { createTransformActivities } from '../../activities/transform.ts'
import { loadConfig } from '../../platform/config.ts'
import type { Database } from '../../platform/database.ts'
import { configuredSources } from '../../platform/sources.ts'
import { runActivity } from './run-activity.ts'

/** The Online Retail shop: its days staged, loaded and published one by one, without a server. */
export function onlineRetail(database: Database, folder: string) {
  const sources = configuredSources(loadConfig({ ONLINE_RETAIL_DIR: folder }))
  const deps = { database, sources }
  const parts = {
    rebuild: async () => undefined,
    publishAnomalies: async () => ({ inserted: 0, deleted: 0 }),
  }
  const activities = {
    ...createExtractActivities(deps),
    ...createTransformActivities(deps),
    ...createLoadActivities(deps),
    ...createPublishActivities({ ...deps, parts }),
  }
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
