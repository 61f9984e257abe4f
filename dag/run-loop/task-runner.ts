import { CancellationScope } from '@temporalio/workflow'
import type { DatasetEvent } from '../datasets.ts'
import type { Graph, TaskNode } from '../graph.ts'
import { takesPlace } from '../graph.ts'
import type { RunEvent } from '../reducer.ts'
import type { TaskStates } from '../task-state.ts'
import type { Approvals } from './approvals.ts'
import { createApprovals } from './approvals.ts'
import type { KeptInstances } from '../instances.ts'
import type { InstancesBefore } from '../mapped-task.ts'
import type { Limits } from './limits.ts'
import { acceptPageProgress } from './page-progress.ts'
import { endOfFailedTask, runTask } from './run-task.ts'
import type { WaitTold } from './turns.ts'
import { createTurns } from './turns.ts'

/** Keeps that a task has written datasets; repeatable. */
export type RecordEvents = (written: {
  readonly taskId: string
  readonly datasets: readonly string[]
  readonly cleared: number
}) => Promise<void>

export interface TaskRunnerOptions {
  readonly graph: Graph
  readonly date: string
  readonly params: unknown
  readonly events?: readonly DatasetEvent[] | undefined
  readonly latestUntilMs: number | null
  readonly outputs: Readonly<Record<string, unknown>>
  readonly limits: Limits
  readonly recordEvents: RecordEvents
  readonly states: () => TaskStates
  /** Told when a task waits for something other than its upstream tasks, and when it goes on. */
  readonly report: (event: RunEvent) => void
}

export interface TaskRunner {
  /** Resolves with how the task ended; rejects only for a mistake in Daybook. */
  start(task: TaskNode, cleared: number, kept?: KeptInstances): Promise<RunEvent>
  /** Resolves when its past lets it be skipped. */
  skip(task: TaskNode, why: SkipReason): Promise<RunEvent>
  stop(taskId: string): void
  readonly setPaused: (isPaused: boolean) => void
  readonly approvals: Approvals
  readonly params: () => unknown
  readonly setParams: (params: unknown) => void
  outputs(): Readonly<Record<string, unknown>>
}

export interface SkipReason {
  readonly reason: string
  readonly because: readonly string[]
}

/** Runs tasks, each in a scope of its own, when there is room for them and the run is not paused. */
export function createTaskRunner(options: TaskRunnerOptions): TaskRunner {
  const root = CancellationScope.current()
  const shielded = new CancellationScope({ parent: root, cancellable: false })
  const scopes = new Map<string, CancellationScope>()
  const outputs = new Map(Object.entries(options.outputs))
  const approvals = createApprovals(outputs)
  let params = options.params
  const turns = createTurns(options.graph.maxActiveTasks)
  const { limits, report } = options
  const context = {
    ...{ ...options, outputs, approvals, turns, tooLarge: lostOutputs(options) },
    pages: acceptPageProgress(),
    get params() {
      return params
    },
  }

  const perform = async (
    task: TaskNode,
    cleared: number,
    before: InstancesBefore | undefined,
  ): Promise<RunEvent> => {
    const counted = { task, id: task.id, cleared }
    const isCountedWhole = task.counted !== 'instances'
    const isPastFirst = task.counted === 'work'
    try {
      if (isPastFirst) await limits.awaitPast(task)
      await waitForTurn(task)
      if (task.past !== undefined && !isPastFirst) await limits.awaitPast(task)
      if (isCountedWhole) await limits.acquire(counted)
      const end = await runTask(task, cleared, context, before)
      // Without outlets not even a turn is lost: recorded runs replay in their order.
      if (task.outlets && end.type === 'task_succeeded') {
        await recordOutlets(task.id, task.outlets, cleared)
      }
      return end
    } catch (error) {
      return endOfFailedTask(task, error)
    } finally {
      turns.give(task.id)
      if (isCountedWhole) await limits.release(counted)
    }
  }

  /** Before anybody hears of the end: what comes after may count on the events. */
  const recordOutlets = (taskId: string, datasets: readonly string[], cleared: number) =>
    CancellationScope.nonCancellable(() => options.recordEvents({ taskId, datasets, cleared }))

  const waitForTurn = (task: TaskNode): Promise<unknown> => {
    const taskId = task.id
    const told: WaitTold = {
      queued: (reason) => report({ type: 'task_queued', taskId, reason }),
      running: () => report({ type: 'task_running', taskId }),
    }
    return takesPlace(task) ? turns.take(taskId, 1, told) : turns.untilResumed(told)
  }

  const skipAfterPast = async (task: TaskNode, why: SkipReason): Promise<RunEvent> => {
    try {
      await limits.awaitPast(task)
      return { type: 'task_skipped', taskId: task.id, ...why }
    } catch (error) {
      return endOfFailedTask(task, error)
    }
  }

  const inScope = async (task: TaskNode, work: () => Promise<RunEvent>): Promise<RunEvent> => {
    // Airflow's teardowns run whatever happens to the run around them.
    const parent = task.teardown === undefined ? root : shielded
    const scope = new CancellationScope({ parent, cancellable: true })
    scopes.set(task.id, scope)
    try {
      return await scope.run(work)
    } finally {
      scopes.delete(task.id)
    }
  }

  return {
    approvals,
    start(task, cleared, kept) {
      const returned = outputs.get(task.id)
      const before = kept && Array.isArray(returned) ? { kept, outputs: returned } : undefined
      // What it returned before it was cleared is of no use to anybody else.
      outputs.delete(task.id)
      if (task.mapping?.byInstance) context.tooLarge.delete(task.id)
      return inScope(task, () => perform(task, cleared, before))
    },
    skip: (task, why) => inScope(task, () => skipAfterPast(task, why)),
    stop: (taskId) => scopes.get(taskId)?.cancel(),
    params: () => params,
    setParams: (value) => (params = value),
    setPaused: (isPaused) => turns.setPaused(isPaused),
    outputs: () => Object.fromEntries(outputs),
  }
}

/** Mapped tasks of the run that this one repairs, whose outputs were too large for it to keep. */
function lostOutputs({ graph, states, outputs }: TaskRunnerOptions): Set<string> {
  const lost = graph.tasks.filter(({ id, mapping }) => {
    const status = states()[id]
    const hasRun = status?.state === 'success' && status.instances !== undefined
    return mapping?.byInstance && hasRun && !Object.hasOwn(outputs, id)
  })
  return new Set(lost.map(({ id }) => id))
}
