import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAuditInterceptor } from '../../worker/audit-interceptor.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

const runKey = 'a_dag/2025-12-13'
const taskId = 'load'
const delays = { retryDelayMs: 1_000, retryBackoff: 1, maxRetryDelayMs: null }

let database: TestDatabase
let runId: string
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(() => {
  runId = randomUUID()
})

async function beginAttempt(attempt: number, plan: object = delays): Promise<unknown> {
  const environment = new MockActivityEnvironment(
    {
      ...{ activityId: taskId, attempt, workflowType: 'a_dag', isLocal: false },
      workflowExecution: { workflowId: runKey, runId },
    },
    { logger: new DefaultLogger('ERROR') },
  )
  const execute = createAuditInterceptor(database.db, '7@books')(environment.context).inbound
    ?.execute
  if (!execute) throw new Error('nothing intercepts')
  return environment.run(() => execute({ args: [{}, plan], headers: {} }, async () => 'done'))
}

async function taskRuns() {
  const { rows } = await database.db.query(
    'select attempt, state, cleared from audit.task_runs where run_id = $1 order by attempt',
    [runId],
  )
  return rows
}

test('an attempt that may not start leaves no row that says it is running', async () => {
  await beginAttempt(2)
  await expect(beginAttempt(1)).rejects.toThrow(/a newer attempt has started/)
  expect(await taskRuns()).toMatchObject([{ attempt: 2, state: 'success' }])
})

test('attempts after a clear are counted on, and their rows say so', async () => {
  await beginAttempt(1)
  await beginAttempt(1, { ...delays, cleared: 1 })
  expect(await taskRuns()).toEqual([
    { attempt: 1, state: 'success', cleared: 0 },
    { attempt: 2, state: 'success', cleared: 1 },
  ])
})

test('of attempts that begin at once, the newest has the fence and every other that began has ended', async () => {
  const attempts = [1, 2, 3, 4, 5, 6, 7, 8]
  const begun = await Promise.allSettled(attempts.map((attempt) => beginAttempt(attempt)))
  expect(begun.at(-1)).toMatchObject({ status: 'fulfilled' })
  const fence = await database.db.query(
    'select run_id, attempt from audit.task_fences where run_key = $1 and task_id = $2',
    [runKey, taskId],
  )
  expect(fence.rows).toEqual([{ run_id: runId, attempt: 8 }])
  const states = (await taskRuns()).map((row) => row.state)
  expect(states).not.toContain('running')
})

test('an attempt says how tasks before it have ended that could not write it, when is not known', async () => {
  const running = async (task: string, cleared: number) =>
    database.db.query(
      `insert into audit.task_runs (run_id, task_id, attempt, run_key, state, worker, cleared)
       values ($1, $2, $3, $4, 'running', 'w', $5)`,
      [runId, task, cleared + 1, runKey, cleared],
    )
  await running('extract', 0)
  // Begun since: the attempt that tells of the ends knows nothing of it.
  await running('extract', 1)
  await running('check', 0)
  await running('other', 0)
  const ended = [
    { taskId: 'extract', state: 'success', cleared: 0 },
    { taskId: 'check', state: 'failed', cleared: 0 },
  ]
  await beginAttempt(1, { ...delays, ended })
  const { rows } = await database.db.query(
    `select task_id, state, ended_at, seconds, error from audit.task_runs
     where run_id = $1 and task_id <> $2 order by task_id, attempt`,
    [runId, taskId],
  )
  const unknown = { ended_at: null, seconds: null }
  const settled = { ...unknown, error: 'its end was not written' }
  expect(rows).toEqual([
    { task_id: 'check', state: 'failed', ...settled },
    { task_id: 'extract', state: 'success', ...settled },
    { task_id: 'extract', state: 'running', ...unknown, error: null },
    { task_id: 'other', state: 'running', ...unknown, error: null },
  ])
})
