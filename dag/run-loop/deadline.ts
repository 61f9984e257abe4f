import { CancellationScope, scheduleActivity, sleep, workflowInfo } from '@temporalio/workflow'
import type { DeadlineAlert, DeadlineQuestion, RunTimes } from '../deadline.ts'
import { referenceMsOf } from '../deadline.ts'
import type { Deadline, DeadlineReference, Graph } from '../graph.ts'
import type { TaskStates } from '../task-state.ts'
import { isActive } from '../task-state.ts'

/** Somebody who looks at the clock. */
export interface Watch {
  cancel(): void
  /** Whether an alert is being sent: the run waits for it. */
  isBusy(): boolean
}

export interface WatchedRun {
  readonly graph: Graph
  readonly date: string
  readonly states: () => TaskStates
}

/** From the moment a run is asked for: one that waits for its turn can miss its deadline too. */
export function watchDeadline(run: WatchedRun, times: RunTimes): Watch {
  const { deadline } = run.graph
  const scope = new CancellationScope()
  const alerts = deadline && createAlerts(scope, run, deadline)
  if (alerts !== undefined && deadline?.from !== undefined) {
    referenceMs(scope, run, deadline.from, times)
      .then((ms) => ms !== null && alerts.plan(ms + deadline.afterMs, times.queuedMs))
      // The activity that is asked failed, or the run was over before: there is no deadline.
      .catch(() => undefined)
  }
  return { cancel: () => scope.cancel(), isBusy: () => alerts?.isBusy() ?? false }
}

async function referenceMs(
  scope: CancellationScope,
  { graph, date }: WatchedRun,
  from: DeadlineReference,
  times: RunTimes,
): Promise<number | null> {
  if (from.reference !== 'asked') return referenceMsOf(from, times)
  const question: DeadlineQuestion = {
    ...{ dagId: graph.dagId, date, runKey: workflowInfo().workflowId },
  }
  const answer = await scope.run(() =>
    scheduleActivity<string | null>(from.activity, [question], activityOptions('reference')),
  )
  const ms = answer === null ? Number.NaN : Date.parse(answer)
  return Number.isNaN(ms) ? null : ms
}

/** Sends the warning and the alert of a deadline when it is time, unless the scope is cancelled before. */
export function createAlerts(scope: CancellationScope, run: WatchedRun, deadline: Deadline) {
  let sending = 0
  return {
    isBusy: () => sending > 0,
    plan(deadlineMs: number, askedMs: number): void {
      for (const alert of alertsOf(deadlineMs, askedMs, deadline)) {
        scope
          .run(() => sleep(Math.max(1, alert.atMs - Date.now())))
          .then(async () => {
            sending += 1
            await sendAlert(deadline.activity, alertFor(run, alert))
            sending -= 1
          })
          .catch(() => undefined)
      }
    },
  }
}

interface Alert {
  readonly kind: 'warning' | 'missed'
  readonly atMs: number
  readonly deadlineMs: number
}

/**
 * A run that is asked for when its deadline is over, as that of an old day is, misses nothing. One
 * that no worker took up in time does, and is told of when one does: then without a warning.
 */
function alertsOf(deadlineMs: number, askedMs: number, { warnBeforeMs }: Deadline): Alert[] {
  const missed: Alert = { kind: 'missed', atMs: deadlineMs, deadlineMs }
  const warning: Alert[] =
    warnBeforeMs === null || deadlineMs <= Date.now()
      ? []
      : [{ kind: 'warning', atMs: deadlineMs - warnBeforeMs, deadlineMs }]
  return [...warning, missed].filter(({ atMs }) => atMs > askedMs)
}

function alertFor({ graph, date, states }: WatchedRun, { kind, deadlineMs }: Alert): DeadlineAlert {
  const unfinished = graph.tasks
    .map((task) => task.id)
    .filter((id) => states()[id]?.state === 'none' || isActive(states()[id]))
  const deadline = new Date(deadlineMs).toISOString()
  return { dagId: graph.dagId, date, runKey: workflowInfo().workflowId, kind, deadline, unfinished }
}

/** An alert that cannot be sent changes nothing for the run. */
async function sendAlert(activity: string, alert: DeadlineAlert): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() =>
      scheduleActivity(activity, [alert], activityOptions(alert.kind)),
    )
  } catch {
    // Temporal shows the failed activity; the run goes on.
  }
}

function activityOptions(about: DeadlineAlert['kind'] | 'reference') {
  const activityId = `deadline:${about}`
  return {
    ...{ activityId, summary: activityId },
    startToCloseTimeout: '5 minutes' as const,
    retry: { maximumAttempts: 5 },
  }
}
