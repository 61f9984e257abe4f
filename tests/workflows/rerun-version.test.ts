import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRun } from '../../schedules/start-run.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker({ rerunWithLatestVersion: true })
})
afterAll(() => sample.stop())

/** A run that was recorded when its DAG had no task `log`. */
async function runWithoutLog(dagId: string, date: string): Promise<void> {
  const { client, taskQueue } = sample.temporal
  await (await startRun(client, { dagId, date, taskQueue })).result()
  await sample.database.db.query(
    `update audit.pipeline_runs set task_states = task_states - 'log',
       graph = jsonb_set(graph, '{tasks}', (
         select jsonb_agg(task) from jsonb_array_elements(graph -> 'tasks') as task
         where task ->> 'id' <> 'log'))
     where run_key = $1`,
    [`${dagId}/${date}`],
  )
}

describe('AT-X11 where all clears take the tasks of the code', () => {
  test.each([
    ['a clear that does not say has them', '01', 'sample_repair', {}, 'success'],
    ['one that says otherwise has not', '02', 'sample_repair', { graph: 'recorded' }, undefined],
    ['a DAG that says otherwise has not', '03', 'sample_as_it_was', {}, undefined],
    ['of such a DAG, one that asks has', '04', 'sample_as_it_was', { graph: 'latest' }, 'success'],
  ] as const)('%s', async (_, day, dagId, by, log) => {
    const date = `2025-12-${day}`
    await runWithoutLog(dagId, date)
    const { client, taskQueue } = sample.temporal
    const clear = { by: 'ada', tasks: ['load'], downstream: false, ...by }
    const again = await startRun(client, { dagId, date, taskQueue, clear })
    expect((await again.result()).tasks['log']).toBe(log)
  })

  test('a mark keeps those of the run', async () => {
    const date = '2025-12-10'
    await runWithoutLog('sample_repair', date)
    const { client, taskQueue } = sample.temporal
    const clear = { by: 'ada', tasks: ['sum'], mark: 'skipped' as const }
    const again = await startRun(client, { dagId: 'sample_repair', date, taskQueue, clear })
    expect((await again.result()).tasks['log']).toBe(undefined)
  })
})
