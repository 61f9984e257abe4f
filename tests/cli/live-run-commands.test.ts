import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startRun } from '../../schedules/start-run.ts'
import { runCli } from '../support/run-cli.ts'
import type { SampleWorker } from '../workflows/sample-dags/start-sample-worker.ts'
import { startSampleWorker } from '../workflows/sample-dags/start-sample-worker.ts'
import { soon } from './sample-runs.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

test('a run that goes on says itself what a task waits for, and its gantt is not finished', async () => {
  const { client, taskQueue, address, namespace } = sample.temporal
  const date = '2025-12-13'
  const handle = await startRun(client, { dagId: 'sample_gate', date, taskQueue })
  await vi.waitUntil(() => sample.gates.has(date), soon)
  const daybook = (...args: string[]) =>
    runCli(args, {
      DATABASE_URL: sample.database.url,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_TASK_QUEUE: taskQueue,
    })
  const why = await daybook('why', `sample_gate/${date}`, 'after_gate')
  expect(why.stdout).toMatch(/^after_gate waits \(all_success: gate running\)\n$/)
  expect(why.code).toBe(0)
  const gantt = await daybook('gantt', `sample_gate/${date}`)
  expect(gantt.stdout).toMatch(/gate .*▓+/)
  expect(gantt.stdout).toContain('no run of this DAG has succeeded')
  const graph = await daybook('graph', 'sample_gate', '--run', date)
  expect(graph.stdout).toMatch(/> gate/)
  sample.gates.get(date)?.()
  await handle.result()
})
