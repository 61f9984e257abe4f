import { randomUUID } from 'node:crypto'
import { ApplicationFailure } from '@temporalio/activity'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuditInterceptor } from '../../worker/audit-interceptor.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const delays = { retryDelayMs: 60_000, retryBackoff: 2, maxRetryDelayMs: null }

/** What the worker makes of the third attempt of a task that throws. */
async function thrownAfter(error: Error): Promise<unknown> {
  const workflowExecution = { workflowId: 'a_dag/2025-12-13', runId: randomUUID() }
  const environment = new MockActivityEnvironment(
    { activityId: 'load', attempt: 3, workflowType: 'a_dag', isLocal: false, workflowExecution },
    { logger: new DefaultLogger('ERROR') },
  )
  const { inbound } = createAuditInterceptor(database.db, '7@books')(environment.context)
  const args = [{ date: '2025-12-13' }, delays]
  const work = () => inbound?.execute?.({ args, headers: {} }, () => Promise.reject(error))
  return environment.run(async () => work()).catch((thrown: unknown) => thrown)
}

describe('AT-Y4 the failure that a task throws is its retry policy', () => {
  test('it may say when to try again, and back-off has no part in that', async () => {
    const limited = ApplicationFailure.create({ message: '429', nextRetryDelay: 7_000 })
    expect(await thrownAfter(limited)).toMatchObject({ nextRetryDelay: 7_000, nonRetryable: false })
  })

  test('it may say that trying again is of no use', async () => {
    const gone = ApplicationFailure.nonRetryable('410', 'MissingSource')
    expect(await thrownAfter(gone)).toMatchObject({ nonRetryable: true, type: 'MissingSource' })
  })

  test('any other has the delay of the task, with its back-off', async () => {
    expect(await thrownAfter(new Error('503'))).toMatchObject({ nextRetryDelay: 240_000 })
  })
})
