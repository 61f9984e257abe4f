import type { Config } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { configuredSources } from '../platform/sources.ts'
import { createQualityActivities } from './check-quality.ts'
import { buildDailyMetrics, createMetricActivities } from './compute-metrics.ts'
import { createMailActivities } from './deliver-mail.ts'
import { createExtractActivities } from './extract.ts'
import { createHoldActivities } from './hold-day.ts'
import { createLoadActivities } from './load.ts'
import { createNotifyActivities } from './notify.ts'
import { publishAnomalies } from './publish-anomalies.ts'
import type { BuildParts } from './make-build.ts'
import { createPublishActivities } from './publish.ts'
import { createAnomalyActivities, scoreBuild } from './score-anomalies.ts'
import { createSensorActivities } from './sensors.ts'
import { createTransformActivities } from './transform.ts'

export interface ActivityDeps {
  readonly database: Database
  readonly config: Config
}

export type Activities = ReturnType<typeof createActivities>

/** Every activity of the DAGs and of the mail drain; those of runs themselves come with the worker. */
export function createActivities({ database, config }: ActivityDeps) {
  const sources = configuredSources(config)
  return {
    ...createExtractActivities({ database, sources }),
    ...createTransformActivities({ database, sources }),
    ...createQualityActivities({ database }),
    ...createHoldActivities({ database, config }),
    ...createLoadActivities({ database, sources }),
    ...createMetricActivities({ database }),
    ...createAnomalyActivities({ database }),
    ...createPublishActivities({ database, sources, parts: buildParts }),
    ...createNotifyActivities({ database, config }),
    ...createMailActivities({ database, config }),
    ...createSensorActivities({ database, landingDir: config.landingDir }),
  }
}

/** How publishing makes the parts of a build that the load tasks do not. */
export const buildParts: BuildParts = {
  tables: { daily_metrics: buildDailyMetrics, metric_scores: scoreBuild },
  publishAnomalies,
}
