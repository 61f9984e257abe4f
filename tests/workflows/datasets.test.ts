import { randomUUID } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createDatasetActivities } from '../../activities/datasets.ts'
import { recordEventByHand } from '../../platform/datasets.ts'
import { startRun } from '../../schedules/start-run.ts'
import { replay } from './replay-histories.ts'
import { datasetDags } from './sample-dags/dataset-dags.ts'
import { resetRun } from '../support/reset-run.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
  await startConsumers()
})
afterAll(() => sample.stop())

const soon = { timeout: 40_000, interval: 20 }

async function run(dagId: string, date: string, clear?: { tasks: string[] }): Promise<void> {
  const { client, taskQueue } = sample.temporal
  const request = clear && { clear: { ...clear, by: 'test' } }
  await (await startRun(client, { dagId, date, taskQueue, ...request })).result()
}

/** What the schedule starts every minute. */
async function startConsumers(): Promise<string[]> {
  const { client, taskQueue } = sample.temporal
  const workflowId = `start_consumers/${randomUUID()}`
  return client.workflow.execute<() => Promise<string[]>>('start_consumers', {
    workflowId,
    taskQueue,
  })
}

function byHand(dataset: string, date: string): Promise<void> {
  return recordEventByHand(sample.database.db, { dataset, date, by: 'test', reason: '' })
}

async function runsOf(runKey: string) {
  const { rows } = await sample.database.db.query(
    `select trigger, state, outputs, task_states from audit.pipeline_runs
     where run_key = $1 order by started_at`,
    [runKey],
  )
  return rows
}

/** The runs of a key, when so many have ended well. */
async function ended(runKey: string, count: number) {
  await vi.waitUntil(async () => {
    const rows = await runsOf(runKey)
    return rows.length >= count && rows.every(({ state }) => state === 'success')
  }, soon)
  // Its last row is written a moment before it closes.
  await sample.temporal.client.workflow.getHandle(runKey).result()
  return runsOf(runKey)
}

async function eventsOf(runKey: string) {
  const { rows } = await sample.database.db.query(
    'select dataset, task_id, cleared from audit.dataset_events where run_key = $1',
    [runKey],
  )
  return rows
}

describe('a DAG with datasets', () => {
  test('starts for a date when all and any of them are there for it, and gets their events', async () => {
    await run('sample_orders', '2025-12-01')
    await run('sample_products', '2025-12-02')
    expect(await runsOf('sample_report/2025-12-01')).toEqual([])
    expect(await runsOf('sample_report/2025-12-02')).toEqual([])
    await run('sample_products', '2025-12-01')
    const [report] = await ended('sample_report/2025-12-01', 1)
    expect(report).toMatchObject({
      trigger: 'dataset',
      outputs: {
        report: [
          'orders 2025-12-01 sample_orders/2025-12-01',
          'products 2025-12-01 sample_products/2025-12-01',
        ],
      },
    })
    // The run of an old day is not the newest one, as little as if a schedule had started it.
    expect(report.task_states.mail).toMatchObject({ state: 'skipped' })
    expect(await runsOf('sample_report/2025-12-02')).toEqual([])
    const ids = ['sample_report/2025-12-01', 'sample_orders/2025-12-01']
    const histories = await Promise.all(
      ids.map(async (workflowId) => ({
        workflowId,
        history: await sample.temporal.client.workflow.getHandle(workflowId).fetchHistory(),
      })),
    )
    expect(await replay(sampleWorkflowsPath, histories)).toEqual({})
  })

  test('runs again for a date whose producer runs again, with the new event only', async () => {
    await byHand('events', '2025-12-03')
    await run('sample_orders', '2025-12-03')
    await ended('sample_report/2025-12-03', 1)
    await run('sample_orders', '2025-12-03')
    const [, second] = await ended('sample_report/2025-12-03', 2)
    expect(second.outputs.report).toEqual(['orders 2025-12-03 sample_orders/2025-12-03'])
  })

  test('runs once for the events of a date, also when two have asked for that run', async () => {
    const date = '2025-12-14'
    const workflowId = `sample_report/${date}`
    await byHand('products', date)
    await run('sample_orders', date)
    await ended(workflowId, 1)
    const { client, taskQueue } = sample.temporal
    const late = await client.workflow.start('sample_report', {
      ...{ workflowId, taskQueue, args: [{ date }] },
      memo: { daybookTrigger: 'dataset' },
    })
    expect(await late.result()).toMatchObject({ summary: expect.stringMatching(/^nothing new/) })
    expect(await runsOf(workflowId)).toHaveLength(1)
  })

  test('keeps what it took up when it is reset, for those who clear it later', async () => {
    const date = '2025-12-15'
    const workflowId = `sample_report/${date}`
    await byHand('products', date)
    await run('sample_orders', date)
    await ended(workflowId, 1)
    await resetRun(sample.temporal, workflowId)
    await sample.temporal.client.workflow.getHandle(workflowId).result()
    await run('sample_report', date, { tasks: ['report'] })
    const rows = await runsOf(workflowId)
    expect(rows.at(-1)?.outputs.report).toEqual([
      `products ${date} null`,
      `orders ${date} sample_orders/${date}`,
    ])
  })

  test('consumes the events also when a person starts it, and is not started for them again', async () => {
    await run('sample_orders', '2025-12-04')
    await run('sample_report', '2025-12-04')
    await run('sample_products', '2025-12-04')
    const [first, second] = await ended('sample_report/2025-12-04', 2)
    expect([first.trigger, second.trigger]).toEqual(['cli', 'dataset'])
    expect(first.outputs.report).toEqual(['orders 2025-12-04 sample_orders/2025-12-04'])
    expect(second.outputs.report).toEqual(['products 2025-12-04 sample_products/2025-12-04'])
    expect(await startConsumers()).toEqual([])
  })

  test('a cleared consumer goes on with the events that it consumed', async () => {
    await run('sample_orders', '2025-12-05')
    await run('sample_products', '2025-12-05')
    const [first] = await ended('sample_report/2025-12-05', 1)
    await run('sample_report', '2025-12-05', { tasks: ['report'] })
    const [, second] = await ended('sample_report/2025-12-05', 2)
    expect(second.outputs.report).toEqual(first.outputs.report)
  })

  test('a day that failed gets its events again when it is run by hand, not by itself', async () => {
    const date = '2025-12-10'
    sample.broken.add(`${date} events`)
    await run('sample_orders', date)
    await run('sample_products', date)
    await vi.waitUntil(
      async () => (await runsOf(`sample_report/${date}`))[0]?.state === 'failed',
      soon,
    )
    await sample.temporal.client.workflow
      .getHandle(`sample_report/${date}`)
      .result()
      .catch(() => undefined)
    expect(await startConsumers()).toEqual([])
    sample.broken.delete(`${date} events`)
    await run('sample_report', date)
    const [, second] = await runsOf(`sample_report/${date}`)
    expect(second.outputs.report).toHaveLength(2)
  })

  test('an event that comes while its run goes on has another run follow', async () => {
    const date = '2025-12-06'
    await byHand('stock', date)
    expect(await startConsumers()).toEqual([`sample_stock/${date}`])
    await vi.waitUntil(() => sample.gates.has(date), soon)
    await byHand('stock', date)
    expect(await startConsumers()).toEqual([])
    sample.gates.get(date)?.()
    sample.gates.delete(date)
    await sample.temporal.client.workflow.getHandle(`sample_stock/${date}`).result()
    expect(await startConsumers()).toEqual([`sample_stock/${date}`])
    await vi.waitUntil(() => sample.gates.has(date), soon)
    sample.gates.get(date)?.()
    await ended(`sample_stock/${date}`, 2)
    expect(await startConsumers()).toEqual([])
  })

  test('what could not be started when it was recorded is started later', async () => {
    const { db } = sample.database
    const { taskQueue } = sample.temporal
    // Nothing listens there.
    const connection = Connection.lazy({ address: '127.0.0.1:1', interceptors: [] })
    const activities = createDatasetActivities({
      ...{ database: db, taskQueue, dags: datasetDags },
      client: new Client({ connection }),
    })
    const written = {
      ...{ datasets: ['orders', 'products'], date: '2025-12-07', cleared: 0 },
      ...{ runId: randomUUID(), runKey: 'elsewhere/2025-12-07', taskId: 'load' },
    }
    await activities.recordDatasetEvents(written)
    // A local activity whose worker dies is run again.
    await activities.recordDatasetEvents(written)
    await connection.close()
    expect(await eventsOf('elsewhere/2025-12-07')).toHaveLength(2)
    expect(await runsOf('sample_report/2025-12-07')).toEqual([])
    expect(await startConsumers()).toEqual(['sample_report/2025-12-07'])
    await ended('sample_report/2025-12-07', 1)
  })

  test('a task that fails records nothing; one that is cleared and runs again records again', async () => {
    sample.broken.add('2025-12-08')
    await expect(run('sample_orders', '2025-12-08')).rejects.toThrow()
    expect(await eventsOf('sample_orders/2025-12-08')).toEqual([])
    sample.broken.delete('2025-12-08')
    await run('sample_orders', '2025-12-08', { tasks: ['load'] })
    expect(await eventsOf('sample_orders/2025-12-08')).toHaveLength(1)
    await run('sample_orders', '2025-12-08', { tasks: ['after_load'] })
    expect(await eventsOf('sample_orders/2025-12-08')).toHaveLength(1)
  })

  test('a run that was reset does not record its events twice', async () => {
    await run('sample_orders', '2025-12-09')
    await resetRun(sample.temporal, 'sample_orders/2025-12-09')
    await sample.temporal.client.workflow.getHandle('sample_orders/2025-12-09').result()
    expect(await eventsOf('sample_orders/2025-12-09')).toHaveLength(1)
  })

  test('nothing starts for days before its start date, nor for a day that has not ended', async () => {
    await byHand('stock', '2024-12-31')
    await byHand('stock', '2999-01-01')
    expect(await startConsumers()).toEqual([])
  })

  test('without catch-up, events from before the DAG was known start nothing', async () => {
    const { db } = sample.database
    await db.query(
      `insert into audit.dataset_events (dataset, logical_date, made_by, recorded_at)
       values ('stock', '2025-11-30', 'test', now() - interval '1 day')`,
    )
    expect(await startConsumers()).toEqual([])
  })
})

describe('days rolled up to a week', () => {
  test('its run is for the last day, when enough days are there, and no other day wakes it', async () => {
    await byHand('sales', '2025-11-17')
    await byHand('sales', '2025-11-16')
    expect(await startConsumers()).toEqual([])
    await byHand('sales', '2025-11-21')
    expect(await startConsumers()).toEqual(['sample_weekly/2025-11-23'])
    const [week] = await ended('sample_weekly/2025-11-23', 1)
    expect(week.outputs.sum).toEqual(['sales 2025-11-17 null', 'sales 2025-11-21 null'])
  })
})
