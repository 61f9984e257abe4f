import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createExtractActivities } from '../../activities/extract.ts'
import { createLoadActivities, type LoadInput } from '../../activities/load.ts'
import { createTransformActivities } from '../../activities/transform.ts'
import { loadConfig } from '../../platform/config.ts'
import type { Database } from '../../platform/database.ts'
import { configuredSources } from '../../platform/sources.ts'
import { runActivity } from './run-activity.ts'

/** A landing zone of a test's own, and the tasks of the daily batch run on it one by one. */
export function sampleShop(database: Database, env: NodeJS.ProcessEnv = {}) {
  const landingDir = mkdtempSync(join(tmpdir(), 'daybook-landing-'))
  const sources = configuredSources(loadConfig({ LANDING_DIR: landingDir, ...env }))
  const deps = { database, sources }
  const activities = {
    ...createExtractActivities(deps),
    ...createTransformActivities(deps),
    ...createLoadActivities(deps),
  }
  const runTask = <Input extends { date: string }, Output>(
    taskId: string,
    activity: (input: Input) => Promise<Output>,
    input: Input,
  ) => runActivity(database, { runKey: `ecommerce_daily/${input.date}`, taskId }, activity, input)
  return {
    landingDir,
    activities,
    runTask,
    deliver(path: string, content: string | Uint8Array) {
      const file = join(landingDir, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    },
    async stage(source: string, date: string) {
      await runTask(`extract_${source}`, activities.extractSource, { date, source })
      return runTask(`transform_${source}_to_staging`, activities.transformToStaging, { date, source })
    },
    loadInput(date: string): LoadInput {
      return { date, shopId: 'main', orders: 'orders', events: 'events', products: 'products' }
    },
  }
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
