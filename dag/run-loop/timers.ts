import { CancellationScope, sleep } from '@temporalio/workflow'
import type { RunEvent } from '../reducer.ts'
import type { Watch, WatchedRun } from './deadline.ts'
import { createAlerts } from './deadline.ts'

export interface TimersOptions extends WatchedRun {
  /** When the run was due; null where no schedule says so: then it counts from its start. */
  readonly dueMs: number | null
  readonly apply: (event: RunEvent) => void
}

/** The time limit of a run, from the start of its tasks to its end. */
export function startTimers(options: TimersOptions): Watch {
  const { runTimeoutMs, deadline } = options.graph
  const scope = new CancellationScope()
  if (runTimeoutMs !== undefined) {
    const reason = `the run took longer than ${runTimeoutMs / 1_000} s`
    scope
      .run(() => sleep(runTimeoutMs))
      .then(() => options.apply({ type: 'run_timed_out', reason }))
      .catch(() => undefined)
  }
  // Of a run recorded before deadlines were watched from when it was asked for.
  const isOld = deadline !== undefined && deadline.from === undefined
  const alerts = isOld ? createAlerts(scope, options, deadline) : undefined
  alerts?.plan((options.dueMs ?? Date.now()) + (deadline?.afterMs ?? 0), Date.now())
  return { cancel: () => scope.cancel(), isBusy: () => alerts?.isBusy() ?? false }
}
