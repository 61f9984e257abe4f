import { CancellationScope, scheduleActivity, sleep, workflowInfo } from '@temporalio/workflow'
import type { DeadlineAlert } from '../builder.ts'
import type { Graph } from '../graph.ts'
import type { RunEvent } from '../reducer.ts'
import type { TaskStates } from '../task-state.ts'
import { isActive } from '../task-state.ts'

export interface Timers {
  cancel(): void
  /** Whether an alert is being sent: the run waits for it. */
  isBusy(): boolean
}

export interface TimersOptions {
  readonly graph: Graph
  readonly date: string
  /** When the run was due; null where no schedule says so: then it counts from its start. */
  readonly dueMs: number | null
  readonly states: () => TaskStates
  readonly apply: (event: RunEvent) => void
}

/** The run's time limit, and its deadline with the warning before it. They end with the run. */
export function startTimers(options: TimersOptions): Timers {
  const scope = new CancellationScope()
  let sending = 0
  const at = (instantMs: number, work: () => void | Promise<void>) => {
    scope
      .run(() => sleep(instantMs - Date.now()))
      .then(work)
      .catch(() => undefined)
  }
  const { runTimeoutMs, deadline } = options.graph
  if (runTimeoutMs !== undefined) {
    const reason = `the run took longer than ${runTimeoutMs / 1_000} s`
    at(Date.now() + runTimeoutMs, () => options.apply({ type: 'run_timed_out', reason }))
  }
  if (deadline !== undefined) {
    for (const alert of alertsOf(options, deadline)) {
      at(alert.atMs, async () => {
        sending += 1
        await sendAlert(deadline.activity, alertFor(options, alert))
        sending -= 1
      })
    }
  }
  return { cancel: () => scope.cancel(), isBusy: () => sending > 0 }
}

type Deadline = NonNullable<Graph['deadline']>

interface Alert {
  readonly kind: 'warning' | 'missed'
  readonly atMs: number
  readonly deadlineMs: number
}

/** A run that starts when its deadline is over already, as that of an old day does, misses nothing. */
function alertsOf({ dueMs }: TimersOptions, { afterMs, warnBeforeMs }: Deadline): Alert[] {
  const deadlineMs = (dueMs ?? Date.now()) + afterMs
  const missed: Alert = { kind: 'missed', atMs: deadlineMs, deadlineMs }
  const warning: Alert[] =
    warnBeforeMs === null ? [] : [{ kind: 'warning', atMs: deadlineMs - warnBeforeMs, deadlineMs }]
  return [...warning, missed].filter(({ atMs }) => atMs > Date.now())
}

function alertFor(
  { graph, date, states }: TimersOptions,
  { kind, deadlineMs }: Alert,
): DeadlineAlert {
  const unfinished = graph.tasks
    .map((task) => task.id)
    .filter((id) => states()[id]?.state === 'none' || isActive(states()[id]))
  const deadline = new Date(deadlineMs).toISOString()
  return { dagId: graph.dagId, date, runKey: workflowInfo().workflowId, kind, deadline, unfinished }
}

/** An alert that cannot be sent changes nothing for the run. */
async function sendAlert(activity: string, alert: DeadlineAlert): Promise<void> {
  const activityId = `deadline:${alert.kind}`
  try {
    await CancellationScope.nonCancellable(() =>
      scheduleActivity(activity, [alert], {
        ...{ activityId, summary: activityId },
        startToCloseTimeout: '5 minutes',
        retry: { maximumAttempts: 5 },
      }),
    )
  } catch {
    // Temporal shows the failed activity; the run goes on.
  }
}
