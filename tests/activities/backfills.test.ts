import type { WorkflowClientInterceptor } from '@temporalio/client'
import { Client } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBackfillActivities } from '../../activities/backfills.ts'
import { BackfillInput } from '../../dag/plan-backfill.ts'
import type { TestDatabase, TestTemporal } from '../support/servers.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'

let database: TestDatabase
let temporal: TestTemporal
beforeAll(async () => {
  ;[database, temporal] = await Promise.all([testDatabase(), testTemporal()])
})
afterAll(async () => {
  await Promise.all([database.drop(), temporal.close()])
})

const dagId = 'orders'

/** What another backfill has written when it has begun with a day. */
async function writeBackfill(backfillId: string, date: string): Promise<void> {
  await database.db.query(
    `with begun as (
       insert into audit.backfills (backfill_id, workflow_id, dag_id, state, input, started_at)
       values ($1, 'backfill/' || $1, $2, 'running', '{}', now()))
     insert into audit.backfill_days (backfill_id, ordinal, logical_date) values ($1, 1, $3)`,
    [backfillId, dagId, date],
  )
}

/** Begins a backfill of three days; `meanwhile` happens when Temporal is asked about another one. */
async function startBackfill(meanwhile: () => Promise<void>) {
  const watching: WorkflowClientInterceptor = {
    async describe(input, next) {
      await meanwhile()
      return next(input)
    },
  }
  const client = new Client({
    ...{ connection: temporal.client.connection, namespace: temporal.namespace },
    interceptors: { workflow: [watching] },
  })
  const input = BackfillInput.parse({ dagId, from: '2025-01-01', to: '2025-01-03' })
  const days = ['2025-01-01', '2025-01-02', '2025-01-03'].map((date) => ({ date, reason: null }))
  const { startBackfill: start } = createBackfillActivities({ database: database.db, client })
  const plan = { input, concurrency: 1, days }
  return start({ backfillId: 'ours', workflowId: 'backfill/ours', startedMs: 0, plan })
}

test('a backfill asks Temporal outside its transaction, and sees who came meanwhile', async () => {
  await writeBackfill('terminated', '2025-01-01')
  const inTransactions: unknown[] = []
  const { days } = await startBackfill(async () => {
    const { rows } = await database.db.query(
      `select query from pg_stat_activity
       where datname = current_database() and state like 'idle in transaction%'`,
    )
    inTransactions.push(...rows)
    await writeBackfill('rival', '2025-01-02')
  })
  expect(inTransactions).toEqual([])
  expect(days).toEqual([
    { date: '2025-01-01', reason: null },
    { date: '2025-01-02', reason: 'in flight: backfill/rival has it' },
    { date: '2025-01-03', reason: null },
  ])
})
