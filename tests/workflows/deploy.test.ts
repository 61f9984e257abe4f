import { join } from 'node:path'
import type { Worker } from '@temporalio/worker'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { createWorker } from '../../worker/create-worker.ts'
import type { TestDatabase, TestTemporal } from '../support/servers.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'
import { createSampleActivities } from './sample-dags/sample-activities.ts'
import { sampleCacheDir } from './sample-dags/start-sample-worker.ts'

let temporal: TestTemporal
let database: TestDatabase
const samples = createSampleActivities()
const running = new Map<Worker, Promise<void>>()

beforeAll(async () => {
  temporal = await testTemporal()
  database = await testDatabase()
})
afterAll(async () => {
  for (const worker of running.keys()) await stop(worker)
  await temporal.close()
  await database.drop()
})

async function deploy(code: 'before' | 'after', taskQueue: string, buildId?: string) {
  const worker = await createWorker({
    ...{ connection: temporal.nativeConnection, client: temporal.client, database: database.db },
    ...{ namespace: temporal.namespace, taskQueue, cacheDir: sampleCacheDir },
    workflowsPath: join(import.meta.dirname, 'deployed-dags', code, 'index.ts'),
    ...{ activities: samples.activities, hasSearchAttributes: true, shutdownGraceMs: 200 },
    ...(buildId && { deployment: { deploymentName: taskQueue, buildId } }),
  })
  running.set(worker, worker.run())
  return worker
}

async function stop(worker: Worker): Promise<void> {
  worker.shutdown()
  await running.get(worker)
  running.delete(worker)
}

function begin(date: string, taskQueue: string) {
  return startRun(temporal.client, { dagId: 'deployed', date, taskQueue })
}

async function gateOf(date: string): Promise<() => void> {
  return vi.waitUntil(() => samples.gates.get(date), { timeout: 30_000 })
}

describe('a deploy in the middle of a run', () => {
  test('without versions: the run goes on on the new worker, with the tasks that it began with', async () => {
    const taskQueue = `${temporal.taskQueue}-plain`
    const old = await deploy('before', taskQueue)
    const run = await begin('2025-12-01', taskQueue)
    await gateOf('2025-12-01')
    samples.gates.clear()
    await stop(old)
    const next = await deploy('after', taskQueue)
    const open = await gateOf('2025-12-01')
    open()
    await expect(run.result()).resolves.toMatchObject({
      tasks: { gate: 'success', old_end: 'success' },
    })
    const later = await begin('2025-12-02', taskQueue)
    const openLater = await gateOf('2025-12-02')
    openLater()
    await expect(later.result()).resolves.toMatchObject({
      tasks: { gate: 'success', new_end: 'success' },
    })
    await stop(next)
  })

  test('with versions: the run ends on the version it began on, and new runs begin on the current one', async () => {
    const taskQueue = `${temporal.taskQueue}-versioned`
    const old = await deploy('before', taskQueue, 'one')
    await setCurrentVersion(taskQueue, 'one')
    const run = await begin('2025-12-11', taskQueue)
    const open = await gateOf('2025-12-11')
    const next = await deploy('after', taskQueue, 'two')
    await setCurrentVersion(taskQueue, 'two')
    const later = await begin('2025-12-12', taskQueue)
    const openLater = await gateOf('2025-12-12')
    openLater()
    open()
    await expect(later.result()).resolves.toMatchObject({ tasks: { new_end: 'success' } })
    await expect(run.result()).resolves.toMatchObject({ tasks: { old_end: 'success' } })
    expect(await versionOf('deployed/2025-12-11')).toBe('one')
    expect(await versionOf('deployed/2025-12-12')).toBe('two')
    await stop(old)
    await stop(next)
  })

  test('with versions: a backfill goes along, and its next day begins on the current one', async () => {
    const taskQueue = `${temporal.taskQueue}-backfill`
    const old = await deploy('before', taskQueue, 'three')
    await setCurrentVersion(taskQueue, 'three')
    const days = { dagId: 'deployed', from: '2025-12-21', to: '2025-12-22', concurrency: 1 }
    const backfill = await startBackfill(temporal.client, { ...days, taskQueue })
    const openFirst = await gateOf('2025-12-21')
    const next = await deploy('after', taskQueue, 'four')
    await setCurrentVersion(taskQueue, 'four')
    openFirst()
    const openSecond = await gateOf('2025-12-22')
    openSecond()
    await expect(backfill.result()).resolves.toMatchObject({ done: 2 })
    expect(await versionOf('deployed/2025-12-21')).toBe('three')
    expect(await versionOf('deployed/2025-12-22')).toBe('four')
    await stop(old)
    await stop(next)
  })
})

/** Refused by the server until a worker of that version has polled. */
async function setCurrentVersion(deploymentName: string, buildId: string): Promise<void> {
  const { workflowService } = temporal.client
  const set = () =>
    workflowService.setWorkerDeploymentCurrentVersion({
      ...{ namespace: temporal.namespace, deploymentName, buildId },
    })
  await vi.waitFor(set, { timeout: 30_000, interval: 200 })
}

async function versionOf(workflowId: string): Promise<string | null | undefined> {
  const { raw } = await temporal.client.workflow.getHandle(workflowId).describe()
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId
}
