import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { openFence, type Attempt } from '../platform/attempt.ts'
import type { Database } from '../platform/database.ts'

/** Runs an activity as one attempt of a task in a run, as the worker would: its fence is open. */
export async function runActivity<Input, Output>(
  database: Database,
  task: { runKey: string; taskId: string; runId?: string; attempt?: number },
  activity: (input: Input) => Promise<Output>,
  input: Input,
): Promise<Output> {
  const attempt: Attempt = { runId: randomUUID(), attempt: 1, ...task }
  await openFence(database, attempt)
  const info = {
    activityId: attempt.taskId,
    attempt: attempt.attempt,
    workflowExecution: { workflowId: attempt.runKey, runId: attempt.runId },
  }
  const environment = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') })
  return environment.run(() => activity(input))
}
