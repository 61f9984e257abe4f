import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRunBefore } from '../../activities/run-before.ts'
import { readBackfillDays } from '../../cli/read-backfills.ts'
import { findRun } from '../../cli/recorded-run.ts'
import { findSuccessfulRun } from '../../platform/successful-run.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const date = '2025-12-13'
const startedAt = '2025-12-14T06:00:00Z'
const endedAt = '2025-12-14T06:05:00Z'

interface Row {
  readonly state: string
  readonly error?: string
  readonly endedAt?: string
}

/** Executions of one run key that started at the same time; the id of each is `<dag> <its state>`. */
async function addExecutions(dagId: string, rows: readonly Row[]): Promise<void> {
  await database.db.query(
    `insert into audit.backfills (backfill_id, workflow_id, dag_id, state, input, started_at)
     values ($1, $1, $1, 'running', '{}', $2)`,
    [dagId, startedAt],
  )
  await database.db.query(`insert into audit.backfill_days values ($1, 0, $2)`, [dagId, date])
  for (const { state, error, endedAt: ended } of rows) {
    await database.db.query(
      `insert into audit.pipeline_runs
         (run_id, run_key, dag_id, logical_date, trigger, state, error, started_at, ended_at, graph, params,
          backfill_id)
       values ($1, $2, $3, $4, 'backfill', $5, $6, $7, $8, '{}', $9, $3)`,
      [
        ...[`${dagId} ${state}`, `${dagId}/${date}`, dagId, date, state, error, startedAt, ended],
        JSON.stringify({ of: state }),
      ],
    )
  }
}

/** The latest execution of the date, as each asks for it. */
async function latest(dagId: string) {
  const asked = { id: 'b', params: 'recorded', graph: 'latest' } as const
  const before = await readRunBefore(database.db, `${dagId}/${date}`, 'another', asked)
  const [day] = await readBackfillDays(database.db, dagId)
  const health = await database.db.query<{ state: string }>(
    'select state from marts.pipeline_health where dag_id = $1',
    [dagId],
  )
  const successful = await findSuccessfulRun(database.db, { dagId, date })
  return {
    found: (await findRun(database.db, `${dagId}/${date}`))?.state,
    ...{ before: before.run.params, day: day?.state, health: health.rows[0]?.state },
    successful: successful?.runId,
  }
}

const inBothOrders = <Item>(rows: readonly Item[]) => [rows, rows.toReversed()]

describe('of executions that started together the latest is', () => {
  test('the one that has ended with the one that was reset', async () => {
    const reset = { state: 'cancelled', error: 'it was reset', endedAt }
    const orders = inBothOrders<Row>([reset, { state: 'success', endedAt }])
    for (const [index, rows] of orders.entries()) {
      const dagId = `ended_${index}`
      await addExecutions(dagId, rows)
      expect(await latest(dagId)).toEqual({
        ...{ found: 'success', before: { of: 'success' }, day: 'success', health: 'success' },
        successful: `${dagId} success`,
      })
    }
  })

  test('the one that goes on after a reset', async () => {
    const error = 'ended without a word: terminated or reset'
    const closed = { state: 'cancelled', error, endedAt }
    const orders = inBothOrders<Row>([closed, { state: 'running' }])
    for (const [index, rows] of orders.entries()) {
      await addExecutions(`goes_on_${index}`, rows)
      expect(await latest(`goes_on_${index}`)).toEqual({
        ...{ found: 'running', before: { of: 'running' }, day: 'running', health: 'running' },
        successful: undefined,
      })
    }
  })

  test('the one that ended last where one had ended before its reset', async () => {
    const orders = inBothOrders<Row>([
      { state: 'failed', endedAt },
      { state: 'success', endedAt: '2025-12-14T07:00:00Z' },
    ])
    for (const [index, rows] of orders.entries()) {
      await addExecutions(`again_${index}`, rows)
      expect(await latest(`again_${index}`)).toMatchObject({ found: 'success', day: 'success' })
    }
  })
})
