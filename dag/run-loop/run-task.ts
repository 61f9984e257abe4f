import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow'
import { endOfSuccess } from '../end-of-task.ts'
import { endOfWait } from '../end-of-wait.ts'
import type { TaskNode } from '../graph.ts'
import type { InstancesBefore } from '../mapped-task.ts'
import type { TaskEnd } from '../reducer.ts'
import { tasksUsed } from '../reference.ts'
import { resolveInput } from '../resolve-input.ts'
import type { EndedBefore } from '../retry-delay.ts'
import { notYet, slotsNotFree } from '../retry-delay.ts'
import { describeFailure, skipReason } from './activity-options.ts'
import { runMapped } from './run-mapped.ts'
import { runOtherDag } from './run-other-dag.ts'
import { runWork } from './run-work.ts'
import type { TaskContext } from './task-context.ts'
import { valuesNow } from './task-context.ts'

/**
 * Does the work of a task and says how it ended. `cleared`: how often it was before; `before`: what of
 * it stays as it is.
 */
export async function runTask(
  task: TaskNode,
  cleared: number,
  context: TaskContext,
  before?: InstancesBefore,
): Promise<TaskEnd> {
  const taskId = task.id
  refuseTooLarge(task, context)
  switch (task.kind) {
    case 'latest_only':
      return { type: 'task_succeeded', taskId, isShut: !isLatest(context) }
    case 'approval':
      context.report({ type: 'task_running', taskId, reason: untilDecided })
      return context.approvals.wait(task)
    case 'dag_run':
      if (task.otherRun === undefined) throw new Error(`${taskId} names no DAG`)
      return runOtherDag(task, task.otherRun, context)
    case 'mapped':
      return runMapped(task, cleared, context, before)
    case 'short_circuit':
    case 'branch':
    case 'task':
    case 'sensor':
      return endOfSuccess(task, await execute(task, cleared, context))
  }
}

const untilDecided = 'until a person decides: `daybook approve` or `daybook reject`'

/**
 * Airflow's latest_only: runs that a person or another DAG asked for always pass, others until the
 * interval after theirs has ended.
 */
function isLatest({ latestUntilMs }: TaskContext): boolean {
  return latestUntilMs === null || Date.now() <= latestUntilMs
}

function refuseTooLarge(task: TaskNode, { tooLarge }: TaskContext): void {
  const used = [...tasksUsed(task.input), ...tasksUsed(task.mapping?.over)]
  const found = used.find((id) => tooLarge.has(id))
  if (found === undefined) return
  const message =
    `the outputs of ${found} together are too large to be handed on; have its instances write ` +
    'them to a table or file, and name only that'
  throw ApplicationFailure.nonRetryable(message, 'OutputTooLarge')
}

async function execute(task: TaskNode, cleared: number, context: TaskContext): Promise<unknown> {
  const input = resolveInput(task.input, valuesNow(context))
  const ended = endedBefore(task, context)
  const told = ended.length === 0 ? {} : { ended }
  const output = await runWork({ task, id: task.id, cleared }, input, context.limits, told)
  context.outputs.set(task.id, output)
  return output
}

/** How the tasks right before it have ended that wrote of it themselves. */
function endedBefore({ upstream }: TaskNode, { states }: TaskContext): EndedBefore[] {
  const now = states()
  return upstream.flatMap((taskId): EndedBefore[] => {
    const { state, cleared = 0 } = now[taskId] ?? {}
    if (state === 'success') return [{ taskId, state, cleared }]
    // For the attempt a skip was a failure.
    return state === 'failed' || state === 'skipped' ? [{ taskId, state: 'failed', cleared }] : []
  })
}

/** How a task ended that threw. Anything but a failed activity is a mistake in Daybook and goes on. */
export function endOfFailedTask(task: TaskNode, error: unknown): TaskEnd {
  const taskId = task.id
  if (isCancellation(error) && CancellationScope.current().consideredCancelled) {
    return { type: 'task_cancelled', taskId }
  }
  // A local activity's failure comes as it is: a pool that is too small for the task.
  if (error instanceof ApplicationFailure) {
    return { type: 'task_failed', taskId, reason: describeFailure(error) }
  }
  if (!(error instanceof ActivityFailure)) throw error
  const skipped = skipReason(error)
  if (skipped !== undefined) return { type: 'task_skipped', taskId, reason: skipped }
  const reason = describeFailure(error)
  if (task.wait !== undefined && isOutOfTime(error.cause)) return endOfWait(task, reason)
  return { type: 'task_failed', taskId, reason }
}

/** The server counts a look that would come too late as the end of the sensor's time. */
function isOutOfTime(cause: Error | undefined): boolean {
  if (cause instanceof ApplicationFailure) return [notYet, slotsNotFree].includes(cause.type ?? '')
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_CLOSE'
}
