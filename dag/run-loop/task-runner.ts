import { CancellationScope, condition } from '@temporalio/workflow'
import type { DatasetEvent } from '../datasets.ts'
import type { Graph, TaskNode } from '../graph.ts'
import type { RunEvent } from '../reducer.ts'
import type { TaskStates } from '../task-state.ts'
import type { Approvals } from './approvals.ts'
import { createApprovals } from './approvals.ts'
import type { Limits } from './limits.ts'
import { endOfFailedTask, runTask } from './run-task.ts'

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
  start(task: TaskNode, cleared: number): Promise<RunEvent>
  stop(taskId: string): void
  readonly setPaused: (isPaused: boolean) => void
  readonly approvals: Approvals
  readonly params: () => unknown
  readonly setParams: (params: unknown) => void
  outputs(): Readonly<Record<string, unknown>>
}

/** Runs tasks, each in a scope of its own, when there is room for them and the run is not paused. */
export function createTaskRunner(options: TaskRunnerOptions): TaskRunner {
  const root = CancellationScope.current()
  const shielded = new CancellationScope({ parent: root, cancellable: false })
  const scopes = new Map<string, CancellationScope>()
  const outputs = new Map(Object.entries(options.outputs))
  const approvals = createApprovals(outputs)
  let params = options.params
  const context = {
    ...{ ...options, outputs, approvals, tooLarge: new Set<string>() },
    get params() {
      return params
    },
  }
  const working = new Set<string>()
  const waiting: string[] = []
  let isPaused = false

  const perform = async (task: TaskNode, cleared: number): Promise<RunEvent> => {
    try {
      await waitForTurn(task)
      await options.limits.acquire(task)
      const end = await runTask(task, cleared, context)
      // Without outlets not even a turn is lost: recorded runs replay in their order.
      if (task.outlets && end.type === 'task_succeeded') {
        await recordOutlets(task.id, task.outlets, cleared)
      }
      return end
    } catch (error) {
      return endOfFailedTask(task, error)
    } finally {
      working.delete(task.id)
      await CancellationScope.nonCancellable(() => options.limits.release(task))
    }
  }

  /** Before anybody hears of the end: what comes after may count on the events. */
  const recordOutlets = (taskId: string, datasets: readonly string[], cleared: number) =>
    CancellationScope.nonCancellable(() => options.recordEvents({ taskId, datasets, cleared }))

  /** Pauses, and the limit of the run itself; both cost no event. Who waits longest goes first. */
  const waitForTurn = async (task: TaskNode): Promise<void> => {
    const maxActive = options.graph.maxActiveTasks ?? Number.POSITIVE_INFINITY
    const isMyTurn = () => !isPaused && working.size < maxActive && waiting[0] === task.id
    waiting.push(task.id)
    try {
      if (!isMyTurn()) {
        const reason = isPaused ? 'the run is paused' : `max_active_tasks is ${maxActive}`
        options.report({ type: 'task_queued', taskId: task.id, reason })
        // Several may be let go at once by one change: each looks again.
        while (!isMyTurn()) await condition(isMyTurn)
        options.report({ type: 'task_running', taskId: task.id })
      }
      working.add(task.id)
    } finally {
      waiting.splice(waiting.indexOf(task.id), 1)
    }
  }

  return {
    approvals,
    async start(task, cleared) {
      // What it returned before it was cleared is of no use to anybody.
      outputs.delete(task.id)
      // Airflow's teardowns run whatever happens to the run around them.
      const parent = task.teardown === undefined ? root : shielded
      const scope = new CancellationScope({ parent, cancellable: true })
      scopes.set(task.id, scope)
      try {
        return await scope.run(() => perform(task, cleared))
      } finally {
        scopes.delete(task.id)
      }
    },
    stop: (taskId) => scopes.get(taskId)?.cancel(),
    params: () => params,
    setParams: (value) => (params = value),
    setPaused(value) {
      isPaused = value
    },
    outputs: () => Object.fromEntries(outputs),
  }
}
