import { sleep } from '@temporalio/workflow'
import { activityRefs, defineDag } from '../../../dag/define-dag.ts'
import { dagWorkflow } from '../../../workflows/run-dag.ts'
import type { SampleActivities } from '../sample-dags/sample-activities.ts'

const act = activityRefs<SampleActivities>()

/** sample_chain as a later version might be: other tasks, order, rules and retries, another zone. */
export const sample_chain = dagWorkflow(
  defineDag(
    {
      id: 'sample_chain',
      schedule: { cron: '30 4 * * *', timeZone: 'Pacific/Auckland' },
      ...{ startDate: '2025-01-01', catchup: false, maxActiveRuns: 3, retries: 5 },
      onFailure: act.tellFailure,
    },
    ({ task, date }) => {
      const added = task('added', act.count, { date })
      const second = task('second', act.count, { date, from: added.output.rowsOut })
      task('first', act.hold, { date }, { after: [second], rule: 'all_done' })
    },
  ),
)

/** A run loop of another kind: what a replay has to notice. */
export async function sample_branch(): Promise<void> {
  await sleep('1 minute')
}
