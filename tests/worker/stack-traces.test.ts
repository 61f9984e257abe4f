import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startRun } from '../../schedules/start-run.ts'
import { createWorker } from '../../worker/create-worker.ts'
import type { TestDatabase, TestTemporal } from '../support/servers.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'
import { createSampleActivities } from '../workflows/sample-dags/sample-activities.ts'
import {
  sampleCacheDir,
  sampleWorkflowsPath,
} from '../workflows/sample-dags/start-sample-worker.ts'

let temporal: TestTemporal
let database: TestDatabase

beforeAll(async () => {
  temporal = await testTemporal()
  database = await testDatabase()
})
afterAll(async () => {
  await temporal.close()
  await database.drop()
})

test.for([
  { withStackTraces: true, date: '2025-12-01' },
  { withStackTraces: false, date: '2025-12-02' },
])('where workflow code stands is known if asked for: $withStackTraces', async (given) => {
  const { withStackTraces, date } = given
  const taskQueue = `${temporal.taskQueue}-${date}`
  const { activities, gates } = createSampleActivities()
  const worker = await createWorker({
    ...{ connection: temporal.nativeConnection, client: temporal.client, database: database.db },
    ...{ namespace: temporal.namespace, taskQueue, activities, withStackTraces },
    ...{ workflowsPath: sampleWorkflowsPath, cacheDir: sampleCacheDir, hasSearchAttributes: true },
  })
  const running = worker.run()
  const run = await startRun(temporal.client, { dagId: 'sample_gate', date, taskQueue })
  const open = await vi.waitUntil(() => gates.get(date), { timeout: 30_000 })
  const stack = await run.query<string>('__stack_trace')
  expect(stack.includes('runGraph')).toBe(withStackTraces)
  open()
  await run.result()
  worker.shutdown()
  await running
})
