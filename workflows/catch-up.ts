import {
  ChildWorkflowCancellationType,
  condition,
  ParentClosePolicy,
  patched,
  proxyLocalActivities,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow'
import type { CatchUpActivities, MissingDay } from '../activities/catch-up.ts'
import type { CloseEndedActivities } from '../activities/close-ended.ts'
import type { Dag } from '../dag/define-dag.ts'
import { catchUpDag } from '../dag/plan-catch-up.ts'
import { localOptions } from '../dag/run-loop/local-options.ts'
import { isAlreadyStarted } from '../dag/run-loop/start-or-join.ts'

const local = proxyLocalActivities<CatchUpActivities & CloseEndedActivities>({
  ...localOptions,
  startToCloseTimeout: '2 minutes',
})

/** The next look of the schedule is as far away. */
const waitAtMost = '5 minutes'

/**
 * Closes the rows of runs that ended without a word, and starts the runs of dates that were due and have none, and looks again whenever one of them has ended.
 * Returns the ids of what it started. What failed or was left half-done is for people.
 */
export function catchUpWorkflow(dags: readonly Dag[]): () => Promise<string[]> {
  return async () => {
    if (patched('close_ended_runs')) await local.closeEndedRuns()
    const dated = dags.flatMap(catchUpDag)
    const started: string[] = []
    let ended = 0
    const countEnd = () => {
      ended += 1
    }
    for (;;) {
      const seen = ended
      for (const day of await local.findMissing({ dags: dated })) {
        const child = await startDay(day)
        if (child === undefined) continue
        started.push(day.workflowId)
        child.result().then(countEnd, countEnd)
      }
      const isIdle = ended === started.length && ended === seen
      if (isIdle || workflowInfo().continueAsNewSuggested) return started
      if (!(await condition(() => ended > seen, waitAtMost))) return started
    }
  }
}

/** As the schedule would have, and under the same id. Undefined when it has done so meanwhile. */
async function startDay({ dagId, date, workflowId }: MissingDay) {
  try {
    return await startChild(dagId, {
      workflowId,
      args: [{ date }],
      memo: { daybookTrigger: 'schedule' },
      // Runs outlive whoever asked for them.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    })
  } catch (error) {
    if (isAlreadyStarted(error)) return undefined
    throw error
  }
}
