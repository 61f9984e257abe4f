import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase } from '../../platform/database.ts'
import { datasetLedger } from '../../platform/datasets.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  // Ten years of days, of which the report has taken up all but the last.
  await database.db.query(
    `insert into audit.dataset_events (dataset, logical_date, made_by)
     select dataset, date '2016-01-01' + day, 'test'
     from generate_series(0, 3649) as day, unnest(array['orders', 'products']) as dataset`,
  )
  await database.db.query(
    `insert into audit.dataset_consumptions (run_id, event_id, run_key, dag_id, logical_date)
     select 'run ' || logical_date, event_id, 'report/' || logical_date, 'report', logical_date
     from audit.dataset_events where logical_date < date '2016-01-01' + 3649`,
  )
  await database.db.query('analyze audit.dataset_events, audit.dataset_consumptions')
})
afterAll(() => database.drop())

const question = { dagId: 'report', catchup: true }

test('events that were taken up are not looked up one by one', async () => {
  const oneConnection = createDatabase(database.url, 1)
  await oneConnection.query('begin')
  const datasets = ['orders', 'products'].map((name) => ({ name, uses: 1 }))
  const fresh = await datasetLedger(oneConnection).readFreshEvents({ ...question, datasets })
  expect(fresh).toEqual(
    ['orders', 'products'].map((dataset) => ({ dataset, date: '2025-12-28', takenBy: [] })),
  )
  const { rows } = await oneConnection.query<{ lookups: number }>(
    `select coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as lookups from pg_stat_xact_all_tables
     where relid = 'audit.dataset_consumptions'::regclass`,
  )
  expect(rows[0]?.lookups).toBeLessThan(10)
  await oneConnection.end()
})

test('an event that a DAG takes up twice is fresh until two dates have it', async () => {
  const datasets = [{ name: 'orders', uses: 2 }]
  const ask = () => datasetLedger(database.db).readFreshEvents({ ...question, datasets })
  const before = await ask()
  expect(before).toHaveLength(3650)
  expect(before[0]).toEqual({ dataset: 'orders', date: '2016-01-01', takenBy: ['2016-01-01'] })
  await database.db.query(
    `insert into audit.dataset_consumptions (run_id, event_id, run_key, dag_id, logical_date)
     select 'week', event_id, 'report/2016-01-03', 'report', date '2016-01-03'
     from audit.dataset_events where dataset = 'orders' and logical_date = date '2016-01-01'`,
  )
  const after = await ask()
  expect(after).toEqual(before.slice(1))
})
