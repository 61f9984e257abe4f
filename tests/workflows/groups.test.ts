import { expect, test } from 'vitest'
import { startRun } from '../../schedules/start-run.ts'
import { replay } from './replay-histories.ts'
import { sampleWorkflowsPath, startSampleWorker } from './sample-dags/start-sample-worker.ts'

test('tasks of a group run under their whole ids, mapped ones too, and are cleared by them', async () => {
  const sample = await startSampleWorker()
  try {
    const { client, taskQueue } = sample.temporal
    const run = { dagId: 'sample_groups', date: '2025-12-01', taskQueue }
    const { tasks } = await (await startRun(client, run)).result()
    expect(tasks).toEqual({
      ...{ first: 'success', 'orders.items': 'success', 'orders.each': 'success' },
      ...{ 'orders.sum': 'success', last: 'success' },
    })
    const clear = { tasks: ['orders.sum'], by: 'ada' }
    const again = await startRun(client, { ...run, clear })
    await again.result()
    const { rows } = await sample.database.db.query(
      `select task_id, count(*)::int as times from audit.task_runs
       where run_key = 'sample_groups/2025-12-01' group by task_id order by task_id collate "C"`,
    )
    expect(rows.map(({ task_id, times }) => `${task_id} ${times}`)).toEqual([
      ...['first 1', 'last 2', 'orders.each[0] 1', 'orders.each[1] 1', 'orders.items 1'],
      'orders.sum 2',
    ])
    const { workflowId } = again
    const history = await again.fetchHistory()
    expect(await replay(sampleWorkflowsPath, [{ workflowId, history }])).toEqual({})
  } finally {
    await sample.stop()
  }
})
