import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  scheduleActivity,
  TerminatedFailure,
} from '@temporalio/workflow'
import type { OtherRun, TaskNode } from '../graph.ts'
import type { RunDagOutput } from '../other-run.ts'
import type { TaskEnd } from '../reducer.ts'
import { resolveInput } from '../resolve-input.ts'
import { runKeyOf } from '../resolve-run.ts'
import { startOrJoin } from './start-or-join.ts'
import type { TaskContext } from './task-context.ts'
import { valuesNow } from './task-context.ts'

/** What the activity `hasSucceeded` is asked about: the latest run of that date. */
export interface RunOfDate {
  readonly dagId: string
  readonly date: string
}

/** A task that is the run of another DAG for the same date; ends as that run ends. */
export async function runOtherDag(
  task: TaskNode,
  { dagId, ifDone }: OtherRun,
  context: TaskContext,
): Promise<TaskEnd> {
  const taskId = task.id
  const { date } = context
  const runKey = runKeyOf(dagId, date)
  if (ifDone !== 'run_again' && (await hasSucceeded(taskId, { dagId, date }))) {
    const words = `${runKey} has succeeded before`
    if (ifDone === 'skip') return { type: 'task_skipped', taskId, reason: words }
    return succeed({ runKey, summary: words })
  }
  context.report({ type: 'task_running', taskId, reason: `until the run ${runKey} ends` })
  const params = resolveInput(task.input, valuesNow(context))
  try {
    const { summary } = await startOrJoin<RunDagOutput>({
      ...{ dagId, runKey, trigger: 'run_dag', input: { date, params } },
      activityId: `join:${taskId}`,
      // That run may be of use to others, and goes on.
      isIndependent: true,
    })
    return succeed({ runKey, summary })
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error
    if (!(error instanceof ChildWorkflowFailure || error instanceof ActivityFailure)) throw error
    return { type: 'task_failed', taskId, reason: reasonOf(runKey, error) }
  }

  function succeed(output: RunDagOutput): TaskEnd {
    context.outputs.set(taskId, output)
    return { type: 'task_succeeded', taskId }
  }
}

function hasSucceeded(taskId: string, input: RunOfDate): Promise<boolean> {
  const activityId = `done:${taskId}`
  return scheduleActivity<boolean>('hasSucceeded', [input], {
    ...{ activityId, summary: activityId, startToCloseTimeout: '30 seconds' },
  })
}

function reasonOf(runKey: string, { cause, message }: ChildWorkflowFailure | ActivityFailure) {
  if (cause instanceof CancelledFailure) return `${runKey} was cancelled`
  if (cause instanceof TerminatedFailure) return `${runKey} was terminated`
  if (cause instanceof ApplicationFailure) return cause.message
  return `${runKey} failed: ${cause?.message ?? message}`
}
