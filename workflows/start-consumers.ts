import { proxyActivities } from '@temporalio/workflow'
import type { DatasetActivities } from '../activities/datasets.ts'

const { startConsumers } = proxyActivities<DatasetActivities>({
  startToCloseTimeout: '5 minutes',
  // The next look is a minute away and finds the same events.
  retry: { maximumAttempts: 3 },
})

/** Starts the runs whose datasets are complete and that could not be started when they became so. */
export async function start_consumers(): Promise<string[]> {
  return startConsumers()
}
