import { randomUUID } from 'node:crypto'
import { ApplicationFailure } from '@temporalio/activity'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Attempt } from '../../platform/attempt.ts'
import { inFencedTransaction, StaleAttemptError } from '../../platform/attempt.ts'
import { createAuditInterceptor } from '../../worker/audit-interceptor.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
let runKey: string
let runId: string
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

beforeEach(async () => {
  runId = randomUUID()
  runKey = `a_dag/2025-12-${String(Math.ceil(Math.random() * 28)).padStart(2, '0')}`
})

/** What the worker does with an attempt: the interceptor around the activity. */
async function attemptTask(
  attempt: number,
  work: (...args: unknown[]) => Promise<unknown>,
  info: { isLocal?: boolean; workflowType?: string } = {},
  args: unknown[] = [],
): Promise<unknown> {
  const environment = new MockActivityEnvironment(
    {
      ...{ activityId: 'load', attempt, workflowType: 'a_dag', isLocal: false, ...info },
      workflowExecution: { workflowId: runKey, runId },
    },
    { logger: new DefaultLogger('ERROR') },
  )
  const interceptor = createAuditInterceptor(database.db, '7@books')(environment.context)
  const execute = interceptor.inbound?.execute
  if (!execute) throw new Error('nothing intercepts')
  return environment.run(() => execute({ args, headers: {} }, work))
}

async function taskRuns() {
  const { rows } = await database.db.query(
    `select attempt, state, worker, rows_in, rows_out, rows_rejected, bytes, error
     from audit.task_runs where run_id = $1 order by attempt`,
    [runId],
  )
  return rows
}

const nothing = { rows_in: null, rows_out: null, rows_rejected: null, bytes: null }

describe('an attempt of a task', () => {
  test('leaves a row with its worker and what it says it did', async () => {
    const result = { rowsIn: 5, rowsOut: 4, rowsRejected: 1, bytes: 90, other: 'x' }
    await expect(attemptTask(1, async () => result)).resolves.toEqual(result)
    expect(await taskRuns()).toEqual([
      {
        ...{ attempt: 1, state: 'success', worker: '7@books', error: null },
        ...{ rows_in: 5, rows_out: 4, rows_rejected: 1, bytes: 90 },
      },
    ])
  })

  test.each([undefined, null, 'text', ['a'], { rowsIn: 'many', rowsOut: -1 }])(
    'that returns %j succeeds without counts',
    async (result) => {
      await attemptTask(1, async () => result)
      expect(await taskRuns()).toMatchObject([{ state: 'success', ...nothing }])
    },
  )

  test('that fails leaves its error, and the error passes through unchanged', async () => {
    const error = new Error('no space left')
    await expect(attemptTask(1, () => Promise.reject(error))).rejects.toBe(error)
    expect(await taskRuns()).toMatchObject([{ state: 'failed', error: 'no space left' }])
  })

  test('marks an earlier attempt that never ended', async () => {
    let thaw = () => {}
    const frozen = new Promise<void>((resolve) => (thaw = resolve))
    const first = attemptTask(1, () => frozen)
    await attemptTask(2, async () => undefined)
    expect(await taskRuns()).toMatchObject([
      { attempt: 1, state: 'failed', error: 'ended without a word: timed out or killed' },
      { attempt: 2, state: 'success' },
    ])
    thaw()
    await first
    expect(await taskRuns()).toMatchObject([{ state: 'failed' }, { state: 'success' }])
  })
})

describe('the fence', () => {
  const write = (attempt: number) => {
    const who: Attempt = { runKey, runId, taskId: 'load', attempt }
    return inFencedTransaction(database.db, who, async () => 'written')
  }

  test('lets only the newest attempt write', async () => {
    await attemptTask(1, async () => undefined)
    await attemptTask(2, async () => undefined)
    await expect(write(1)).rejects.toThrow(StaleAttemptError)
    await expect(write(2)).resolves.toBe('written')
  })

  test('is not taken back by an attempt that froze before it began', async () => {
    await attemptTask(2, async () => undefined)
    const late = attemptTask(1, async () => 'done')
    await expect(late).rejects.toThrow(/Attempt 1 of load .* a newer attempt has started/)
    await expect(write(2)).resolves.toBe('written')
  })

  test('is closed to attempts of a run that has ended', async () => {
    await database.db.query(
      `insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state, graph)
       values ($1, $2, 'a_dag', '2025-12-13', 'manual', 'cancelled', '{}')`,
      [runId, runKey],
    )
    const late = attemptTask(1, async () => 'done')
    await expect(late).rejects.toThrow(/may not start: its run is cancelled/)
    expect(await taskRuns()).toEqual([])
  })
})

test.each([{ isLocal: true }, { workflowType: 'deliver_mail' }])(
  'what is no task of a run leaves no row: %j',
  async (info) => {
    await attemptTask(1, async () => undefined, info)
    expect(await taskRuns()).toEqual([])
  },
)

describe('a task that throws', () => {
  const delays = { retryDelayMs: 60_000, retryBackoff: 2, maxRetryDelayMs: null }
  const attemptThrowing = (error: Error) =>
    attemptTask(2, () => Promise.reject(error), {}, [{ date: '2025-12-13' }, delays])

  test("is tried again after the task's own delay", async () => {
    await expect(attemptThrowing(new TypeError('no disk'))).rejects.toMatchObject({
      message: 'no disk',
      type: 'TypeError',
      nextRetryDelay: 120_000,
      nonRetryable: false,
    })
  })

  test('is not tried again when that cannot help', async () => {
    const error = ApplicationFailure.nonRetryable('no file', 'MissingSource')
    await expect(attemptThrowing(error)).rejects.toBe(error)
  })

  test('sees its input alone', async () => {
    const seen: unknown[] = []
    await attemptTask(1, async (...args: unknown[]) => seen.push(...args), {}, ['input', delays])
    expect(seen).toEqual([{ args: ['input'], headers: {} }])
  })
})
