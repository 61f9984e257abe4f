import {
  allHandlersFinished,
  CancellationScope,
  condition,
  setCurrentDetails,
} from '@temporalio/workflow'
import { callbackOfTask, orderOfEnds } from '../callbacks.ts'
import type { DatasetEvent } from '../datasets.ts'
import type { Graph } from '../graph.ts'
import { taskOf } from '../graph.ts'
import type { RunEvent, StartTask } from '../reducer.ts'
import { initialStates, reduce } from '../reducer.ts'
import { renderGrid } from '../render-grid.ts'
import type { TaskStates, TaskStatus } from '../task-state.ts'
import type { RunEnd } from '../verdict.ts'
import type { Approvals } from './approvals.ts'
import type { Watch } from './deadline.ts'
import { createLimits } from './limits.ts'
import type { Slots } from './slots.ts'
import type { RecordEvents, TaskRunner } from './task-runner.ts'
import { createTaskRunner } from './task-runner.ts'
import { tell } from './tell.ts'
import { startTimers } from './timers.ts'

export interface GraphRun {
  readonly graph: Graph
  readonly date: string
  readonly runKey: string
  readonly params: unknown
  /** A latest_only task lets nothing through after this instant; null when a person asked for the run. */
  readonly latestUntilMs: number | null
  /** When the run was due, by its schedule. */
  readonly dueMs: number | null
  /** Whether tasks that depend on their past look at it. */
  readonly hasPast: boolean
  /** Of the run that this one repairs: its states, cleared ones as `none`, and what its tasks returned. */
  readonly repairs: Repairs | null
  readonly slots: Slots
  /** Of its deadline, since it was asked for. */
  readonly watch: Watch
  readonly recordEvents: RecordEvents
  /** Of a run that datasets can start: those that it consumes. */
  readonly events?: readonly DatasetEvent[] | undefined
}

export interface Repairs {
  readonly states: TaskStates
  readonly outputs: Readonly<Record<string, unknown>>
}

export interface GraphOutcome extends RunEnd {
  readonly states: TaskStates
  readonly outputs: Readonly<Record<string, unknown>>
  /** Tasks that succeeded or failed, the last one last. */
  readonly ends: readonly string[]
}

/** What a person may do to a run that is going on. */
export interface RunControls {
  readonly graph: Graph
  readonly states: () => TaskStates
  readonly apply: (event: RunEvent) => void
  readonly params: () => unknown
  /** For what starts from now on. */
  readonly setParams: (params: unknown) => void
  /** Whether it has taken too long: it is ending then. */
  readonly isTimedOut: () => boolean
  readonly setPaused: (isPaused: boolean) => void
  readonly approvals: Approvals
}

/**
 * Runs the tasks of a recorded graph until none can start any more. A failed task is a state, not an
 * error. When the run is cancelled its running tasks are, and only teardowns start.
 */
export async function runGraph(
  run: GraphRun,
  control: (controls: RunControls) => void,
): Promise<GraphOutcome> {
  const loop = createLoop(run)
  const { setPaused, approvals, params, setParams } = loop.tasks
  const isTimedOut = () => loop.timedOut() !== undefined
  control({
    ...{ graph: run.graph, states: loop.states, apply: loop.apply },
    ...{ setPaused, approvals, params, setParams, isTimedOut },
  })
  loop.apply({ type: 'run_started' })
  const root = CancellationScope.current()
  root.cancelRequested.catch(() => {
    // Teardowns run now, also those of a run that is paused.
    setPaused(false)
    loop.apply({ type: 'run_cancelled' })
  })
  const timers = startTimers({ ...run, states: loop.states, apply: loop.apply })
  // A person may clear a task at the very end: the run goes on then.
  await CancellationScope.nonCancellable(() =>
    condition(
      () => loop.isDone() && allHandlersFinished() && !timers.isBusy() && !run.watch.isBusy(),
    ),
  )
  timers.cancel()
  run.watch.cancel()
  loop.assertSound()
  return {
    states: loop.states(),
    outputs: loop.tasks.outputs(),
    ends: loop.ends(),
    isCancelled: root.consideredCancelled,
    timedOut: loop.timedOut(),
  }
}

function createLoop(run: GraphRun) {
  const { graph } = run
  let states = run.repairs?.states ?? initialStates(graph)
  let ends = orderOfEnds([], {}, states)
  let running = 0
  let broken: Error | undefined
  let timedOut: string | undefined
  const limits = createLimits({ ...run, dagId: graph.dagId, report: apply })
  const outputs = run.repairs?.outputs ?? {}
  const tasks: TaskRunner = createTaskRunner({
    ...run,
    outputs,
    limits,
    states: () => states,
    report: apply,
  })

  function apply(event: RunEvent): void {
    const step = reduce(graph, states, event)
    ends = orderOfEnds(ends, states, step.states)
    states = step.states
    if (event.type === 'run_timed_out') timedOut = event.reason
    setCurrentDetails(renderGrid(graph, states))
    for (const taskId of step.stops) tasks.stop(taskId)
    for (const task of step.starts) start(task)
  }

  function start({ taskId, reason, skipped }: StartTask): void {
    running += 1
    const ended =
      skipped === undefined
        ? tasks.start(taskOf(graph, taskId), states[taskId]?.cleared ?? 0, states[taskId]?.kept)
        : tasks.skip(taskOf(graph, taskId), { reason, ...skipped })
    ended
      .then((event) => {
        running -= 1
        const before = states[taskId]
        apply(event)
        return tellOfEnd(taskId, before)
      })
      // A mistake in Daybook, which must fail the workflow task and not the run.
      .catch((error: unknown) => {
        broken ??= error instanceof Error ? error : new Error(String(error))
      })
  }

  /** Nothing waits for a callback but the end of the run. */
  async function tellOfEnd(taskId: string, before: TaskStatus | undefined): Promise<void> {
    const callback = callbackOfTask(run, taskId, before, states[taskId])
    if (callback === undefined) return
    running += 1
    await tell(callback)
    running -= 1
  }

  return {
    tasks,
    apply,
    states: () => states,
    ends: () => ends,
    timedOut: () => timedOut,
    isDone: () => broken !== undefined || running === 0,
    assertSound() {
      if (broken !== undefined) throw broken
    },
  }
}
