import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDatasets } from '../../cli/read-datasets.ts'
import { recordEventByHand, recordEvents, registerConsumer } from '../../platform/datasets.ts'
import { runCli } from '../support/run-cli.ts'
import type { TestDatabase, TestTemporal } from '../support/servers.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'
import { datasetDags } from '../workflows/sample-dags/dataset-dags.ts'

let database: TestDatabase
let temporal: TestTemporal
beforeAll(async () => {
  ;[database, temporal] = await Promise.all([testDatabase(), testTemporal()])
})
afterAll(async () => {
  await temporal.close()
  await database.drop()
})

const daybook = (...args: string[]) =>
  runCli(['datasets', ...args], {
    ...{ DATABASE_URL: database.url, TEMPORAL_ADDRESS: temporal.address },
    ...{ TEMPORAL_NAMESPACE: temporal.namespace, TEMPORAL_TASK_QUEUE: temporal.taskQueue },
  })

test('an event is recorded by hand and listed', async () => {
  expect((await daybook()).stdout).toBe('No DAG has a dataset, and no event is recorded.\n')
  const wrong = await daybook('event', 'My orders', '--date', '2025-12-01')
  expect(wrong.stderr).toContain('"My orders" is no name of a dataset; write it like orders')
  expect(wrong.code).toBe(2)
  const dateless = await daybook('event', 'orders')
  expect(dateless.stderr).toContain("'--date <date>' not specified")
  const recorded = await daybook('event', 'orders', '--date', '2025-12-01', '--by', 'ada')
  expect(recorded.stdout).toBe('orders of 2025-12-01: recorded. DAGs that wait for it: none.\n')
  const { stdout, code } = await daybook('--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    datasets: [{ dataset: 'orders', events: 1, latest: { date: '2025-12-01', by: 'ada' } }],
    waits: [],
  })
  expect((await daybook()).stdout).toMatch(/^orders +- +- +1 +2025-12-01 .* ada$/m)
})

test('who writes a dataset, who waits for it, and what each still lacks', async () => {
  await database.db.query('truncate audit.dataset_events cascade')
  const consumers = datasetDags.filter((dag) => dag.datasets !== undefined)
  for (const { id } of consumers) {
    await registerConsumer(database.db, id, ['orders', 'products', 'sales'])
  }
  await recordEvents(database.db, {
    ...{ datasets: ['orders'], date: '2025-12-01', cleared: 0, taskId: 'load' },
    ...{ runId: 'a', runKey: 'sample_orders/2025-12-01' },
  })
  for (const dataset of ['orders', 'products']) {
    await recordEventByHand(database.db, { dataset, date: '2025-12-02', by: 'ada', reason: '' })
  }
  await recordEventByHand(database.db, {
    ...{ dataset: 'sales', date: '2025-12-01', by: 'ada', reason: '' },
  })
  const nowMs = Date.parse('2025-12-02T12:00:00Z')
  const { datasets, waits } = await readDatasets(database.db, datasetDags, nowMs)
  expect(datasets.find((row) => row.dataset === 'orders')).toMatchObject({
    written_by: ['sample_orders.load'],
    consumers: [{ dag_id: 'sample_report', datasets: 'all(orders, any(events, products))' }],
    events: 2,
  })
  expect(waits).toEqual([
    {
      ...{ dagId: 'sample_report', date: '2025-12-01' },
      missing: '(events of 2025-12-01 or products of 2025-12-01)',
    },
    {
      ...{ dagId: 'sample_report', date: '2025-12-02' },
      missing: 'the end of 2025-12-02 in UTC',
    },
    {
      ...{ dagId: 'sample_weekly', date: '2025-12-07' },
      missing:
        'sales of the week: 1 of 2 days, without 2025-12-02, 2025-12-03, 2025-12-04, ' +
        '2025-12-05, 2025-12-06, 2025-12-07',
    },
  ])
})
