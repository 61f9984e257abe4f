import { createExtractActivities } from '../../activities/extract.ts'
import { createTransformActivities, type TransformResult } from '../../activities/transform.ts'
import type { Column, Contract } from '../../domain/contracts/contract.ts'
import { loadConfig } from '../../platform/config.ts'
import type { Database } from '../../platform/database.ts'
import { configuredSources } from '../../platform/sources.ts'
import { runActivity } from './run-activity.ts'

/** Extracts and types a source's day under a contract that differs from the shipped one. */
export async function stageUnder(
  database: Database,
  landingDir: string,
  { source, date }: { source: string; date: string },
  change: (shipped: Contract) => Contract,
): Promise<TransformResult> {
  const shipped = configuredSources(loadConfig({ LANDING_DIR: landingDir }))
  const known = shipped.get(source)!
  const sources = new Map([...shipped, [source, { ...known, contract: change(known.contract) }]])
  const deps = { database, sources }
  const task = (taskId: string) => ({ runKey: `ecommerce_daily/${date}`, taskId })
  const input = { date, source }
  const { extractSource } = createExtractActivities(deps)
  const { transformToStaging } = createTransformActivities(deps)
  await runActivity(database, task(`extract_${source}`), extractSource, input)
  return runActivity(database, task(`transform_${source}`), transformToStaging, input)
}

export const withColumn = (name: string, policy: Partial<Column>) => (shipped: Contract) => ({
  ...shipped,
  columns: shipped.columns.map((each) => (each.name === name ? { ...each, ...policy } : each)),
})
