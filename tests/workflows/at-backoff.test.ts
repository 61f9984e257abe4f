import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { retryDelayAfter } from '../../dag/retry-delay.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import { sampleBackoff } from './sample-dags/sample-dags.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

const date = '2025-12-13'
const runKey = `sample_backoff/${date}`

let sample: SampleWorker
let run: RunHandle
beforeAll(async () => {
  sample = await startSampleWorker()
  const { client, taskQueue } = sample.temporal
  run = await startRun(client, { dagId: 'sample_backoff', date, taskQueue })
})
afterAll(() => sample.stop())

/** How long the server waits after a try, in seconds: asked for while it does. */
async function waitAfter(taskId: string, attempt: number): Promise<number> {
  const waiting = await vi.waitUntil(
    async () => {
      const { raw } = await run.describe()
      const found = raw.pendingActivities?.find((one) => one.activityId === taskId)
      // While it waits, Temporal names the attempt that is to come.
      return found?.attempt === attempt + 1 && found.nextAttemptScheduleTime ? found : undefined
    },
    { timeout: 20_000, interval: 50 },
  )
  return Number(waiting.currentRetryInterval?.seconds)
}

/** Has a task that waits for its next try take it at once. */
async function hurry(taskId: string): Promise<void> {
  const { client, namespace } = sample.temporal
  const which = {
    namespace,
    execution: { workflowId: runKey },
    id: taskId,
    activity: 'id' as const,
  }
  await client.workflowService.pauseActivity({ ...which, identity: 'test', reason: 'hurry' })
  await client.workflowService.unpauseActivity({ ...which, identity: 'test' })
}

async function waitsOf(taskId: string): Promise<number[]> {
  const waits: number[] = []
  for (const attempt of [1, 2, 3]) {
    waits.push(await waitAfter(taskId, attempt))
    await hurry(taskId)
  }
  return waits
}

function expectedOf(taskId: string): number[] {
  const task = sampleBackoff.graph.tasks.find(({ id }) => id === taskId)
  if (task === undefined) throw new Error(`no task ${taskId}`)
  return [1, 2, 3].map((attempt) => retryDelayAfter(attempt, task, { runKey, taskId }) / 1_000)
}

test('AT-Y3, AT-Y6 Temporal waits what the back-off says', async () => {
  const waits = await waitsOf('flaky')
  expect(waits).toEqual(expectedOf('flaky'))
  const [first = 0, second = 0, third = 0] = waits
  expect(300 <= first && first <= 599).toBe(true)
  expect(600 <= second && second <= 1199).toBe(true)
  expect(1200 <= third && third <= 2399).toBe(true)
})

test('AT-Y3, AT-Y6 with a cap of 900 s', async () => {
  const waits = await waitsOf('capped')
  expect(waits).toEqual(expectedOf('capped'))
  expect(Math.max(...waits)).toBe(900)
  await expect(run.result()).rejects.toThrow()
})
