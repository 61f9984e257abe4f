import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StartBackfillInput } from '../../schedules/start-backfill.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { BackfillProgress } from '../../workflows/run-days.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

async function backfill(input: Omit<StartBackfillInput, 'taskQueue'>) {
  const { client, taskQueue } = sample.temporal
  return (await startBackfill(client, { ...input, taskQueue })).result()
}

/** Every execution of a run key, the oldest first. */
async function runsOf<Row extends object>(runKey: string, columns: string): Promise<Row[]> {
  const { rows } = await sample.database.db.query<Row>(
    `select ${columns} from audit.pipeline_runs where run_key = $1 order by started_at`,
    [runKey],
  )
  return rows
}

const paramsOf = async (date: string) =>
  (await runsOf<{ params: unknown }>(`sample_params/${date}`, 'params')).map((row) => row.params)

test('AT-B2 a re-run by a backfill is the same run key, and keeps its params unless others are given', async () => {
  const { client, taskQueue } = sample.temporal
  const range = { dagId: 'sample_params', from: '2025-04-01', to: '2025-04-02' }
  const ada = { name: 'Ada', times: 2 }
  const first = { dagId: range.dagId, date: range.from, taskQueue, params: ada }
  await (await startRun(client, first)).result()
  await backfill({ ...range, reprocess: 'all' })
  await backfill({ ...range, reprocess: 'all', params: { times: 3 } })
  const defaults = { name: 'world', times: 1 }
  const given = { name: 'world', times: 3 }
  expect(await paramsOf('2025-04-01')).toEqual([ada, ada, given])
  expect(await paramsOf('2025-04-02')).toEqual([defaults, given])
  const described = await client.workflow.getHandle('sample_params/2025-04-01').describe()
  expect(described.status.name).toBe('COMPLETED')
})

test('params without a default are kept, and a day that never had any says so', async () => {
  const { client, taskQueue } = sample.temporal
  const range = { dagId: 'sample_mapped_narrow', from: '2025-04-11', to: '2025-04-12' }
  const params = { count: 1 }
  const first = { dagId: range.dagId, date: range.from, taskQueue, params }
  await (await startRun(client, first)).result()
  await expect(backfill({ ...range, reprocess: 'all' })).rejects.toMatchObject({
    cause: {
      message: expect.stringMatching(
        /^1 of 2 days failed: 2025-04-12\. First: sample_mapped_narrow\/2025-04-12 cannot start: it has no run before whose params it could keep, .*count/,
      ),
    },
  })
  const rows = await runsOf<{ params: unknown; state: string }>(
    `sample_mapped_narrow/${range.from}`,
    'params, state',
  )
  expect(rows).toEqual([
    { params, state: 'success' },
    { params, state: 'success' },
  ])
})

test('of a long reason the backfill keeps the beginning, so that ten years of them fit', async () => {
  const { client, taskQueue } = sample.temporal
  const days = [{ date: '2025-04-21', outcome: 'waiting', reason: '' }]
  const params = { ['long'.repeat(1_000)]: 1 }
  const continued = { dagId: 'sample_chain', concurrency: 1, isPaused: false, days, params }
  const workflowId = 'backfill/sample_chain/2025-04-21/2025-04-21'
  const handle = await client.workflow.start('daybook_backfill', {
    ...{ workflowId, taskQueue, args: [{}, continued] },
  })
  await expect(handle.result()).rejects.toThrow()
  const { days: ended } = await handle.query<BackfillProgress>('progress')
  expect(ended).toMatchObject([
    { outcome: 'failed', reason: expect.stringMatching(/^sample_chain cannot start: .{273}$/) },
  ])
})

test('AT-B8 params that do not fit are refused before any run is made', async () => {
  const range = { dagId: 'sample_params', from: '2025-05-01', to: '2025-05-03' }
  for (const params of [{ times: 4 }, { times: 'often' }]) {
    await expect(backfill({ ...range, params })).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/the params do not fit sample_params: times: /) },
    })
  }
  expect(await paramsOf('2025-05-01')).toEqual([])
  const { rows } = await sample.database.db.query(
    `select from audit.backfill_days where logical_date between '2025-05-01' and '2025-05-03'`,
  )
  expect(rows).toEqual([])
})

test('AT-B12 a day that has run has the tasks of the code, or those that it ran with when asked', async () => {
  const range = { dagId: 'sample_chain', from: '2025-06-01', to: '2025-06-02' }
  const one = { ...range, to: range.from }
  await backfill(one)
  // As an older version of the code would have recorded it.
  await sample.database.db.query(
    `update audit.pipeline_runs set graph = jsonb_set(graph, '{tasks}', graph -> 'tasks' #- '{-1}')
     where run_key = $1`,
    [`sample_chain/${range.from}`],
  )
  await backfill({ ...range, reprocess: 'all', graph: 'recorded' })
  await backfill({ ...one, reprocess: 'all' })
  const tasks = (date: string) =>
    runsOf<{ tasks: number; ran: number }>(
      `sample_chain/${date}`,
      `jsonb_array_length(graph -> 'tasks') as tasks,
       (select count(*) from jsonb_object_keys(task_states)) as ran`,
    )
  const runs = await tasks(range.from)
  const all = runs[0]?.ran ?? 0
  expect(all).toBeGreaterThan(1)
  expect(runs).toEqual([
    { tasks: all - 1, ran: all },
    { tasks: all - 1, ran: all - 1 },
    { tasks: all, ran: all },
  ])
  expect(await tasks('2025-06-02')).toEqual([{ tasks: all, ran: all }])
})
