import {
  ActivityCancellationType,
  CancellationScope,
  ParentClosePolicy,
  scheduleActivity,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'

export interface WantedRun {
  readonly dagId: string
  readonly runKey: string
  readonly trigger: string
  readonly input: unknown
  /** Of the activity that waits for a run which somebody else has started. */
  readonly activityId: string
  /** The run goes on when whoever waits for it is cancelled. */
  readonly isIndependent?: true
  /** The second tick of a day: a run that has ended counts as well. */
  readonly isDouble?: boolean
}

/** Starts a run under its own key, or joins it when it goes on; ends as it ends. It outlives whoever asked. */
export async function startOrJoin<Result>(wanted: WantedRun): Promise<Result> {
  const { dagId, runKey, trigger, input, activityId, isIndependent, isDouble = false } = wanted
  const begin = async () => {
    const child = await startChild<(input: unknown) => Promise<Result>>(dagId, {
      workflowId: runKey,
      args: [input],
      memo: { daybookTrigger: trigger },
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: isDouble
        ? WorkflowIdReusePolicy.REJECT_DUPLICATE
        : WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    })
    return await child.result()
  }
  try {
    return await (isIndependent ? apart(begin) : begin())
  } catch (error) {
    if (!isAlreadyStarted(error)) throw error
  }
  return scheduleActivity<Result>('awaitRun', [{ runKey }], {
    activityId,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '30 seconds',
    // A task that is cleared waits again under the same id, which is free when this has really ended.
    ...(isIndependent && {
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }),
  })
}

/**
 * Does not cancel what it waits for, it only stops waiting. Not by the cancellation type ABANDON: where
 * that meets an update in one step, the run cannot be replayed.
 */
async function apart<Result>(work: () => Promise<Result>): Promise<Result> {
  const waiting = CancellationScope.current()
  const result = CancellationScope.nonCancellable(work)
  // When nobody waits any more, it may end as it likes.
  result.catch(() => undefined)
  return Promise.race([result, waiting.cancelRequested])
}

/** By name: the workflow package does not export the class. */
export function isAlreadyStarted(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError'
}
