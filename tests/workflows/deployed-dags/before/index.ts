import { activityRefs, defineDag } from '../../../../dag/define-dag.ts'
import { backfillWorkflow } from '../../../../workflows/backfill.ts'
import { dagWorkflow } from '../../../../workflows/run-dag.ts'
import type { SampleActivities } from '../../sample-dags/sample-activities.ts'

const act = activityRefs<SampleActivities>()

const dag = defineDag(
  {
    ...{ id: 'deployed', schedule: null, startDate: '2025-01-01', catchup: false },
    ...{ maxActiveRuns: 4, retries: 1, retryDelay: '1 hour' },
  },
  ({ task, date }) => {
    const gate = task('gate', act.hold, { date })
    task('old_end', act.count, { date }, { after: [gate] })
  },
)

export const deployed = dagWorkflow(dag)
export const daybook_backfill = backfillWorkflow([dag])
