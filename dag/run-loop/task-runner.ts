import { CancellationScope, condition } from '@temporalio/workflow'
import type { Graph, TaskNode } from '../graph.ts'
import type { RunEvent } from '../reducer.ts'
import type { Approvals } from './approvals.ts'
import { createApprovals } from './approvals.ts'
import type { Limits } from './limits.ts'
import { endOfFailedTask, runTask } from './run-task.ts'

export interface TaskRunnerOptions {
  readonly graph: Graph
  readonly date: string
  readonly params: unknown
  readonly latestUntilMs: number | null
  readonly outputs: Readonly<Record<string, unknown>>
  readonly limits: Limits
  /** Told when a task waits for something other than its upstream tasks, and when it goes on. */
  readonly report: (event: RunEvent) => void
}

export interface TaskRunner {
  /** Resolves with how the task ended; rejects only for a mistake in Daybook. */
  start(task: TaskNode, cleared: number): Promise<RunEvent>
  stop(taskId: string): void
  readonly setPaused: (isPaused: boolean) => void
  readonly approvals: Approvals
  outputs(): Readonly<Record<string, unknown>>
}

/** Runs tasks, each in a scope of its own, when there is room for them and the run is not paused. */
export function createTaskRunner(options: TaskRunnerOptions): TaskRunner {
  const root = CancellationScope.current()
  const scopes = new Map<string, CancellationScope>()
  const outputs = new Map(Object.entries(options.outputs))
  const approvals = createApprovals(outputs)
  const context = { ...options, outputs, approvals, tooLarge: new Set<string>() }
  const working = new Set<string>()
  let isPaused = false

  const perform = async (task: TaskNode, cleared: number): Promise<RunEvent> => {
    try {
      await waitForTurn(task)
      await options.limits.acquire(task)
      return await runTask(task, cleared, context)
    } catch (error) {
      return endOfFailedTask(task, error)
    } finally {
      working.delete(task.id)
      await CancellationScope.nonCancellable(() => options.limits.release(task))
    }
  }

  /** Pauses, and the limit of the run itself; both cost no event. */
  const waitForTurn = async (task: TaskNode): Promise<void> => {
    const maxActive = options.graph.maxActiveTasks ?? Number.POSITIVE_INFINITY
    const reason = () => {
      if (isPaused) return 'the run is paused'
      return working.size >= maxActive ? `${maxActive} tasks of this run are running` : undefined
    }
    const first = reason()
    if (first !== undefined) {
      options.report({ type: 'task_queued', taskId: task.id, reason: first })
      // Several may be let go at once by one change: each looks again.
      while (reason() !== undefined) await condition(() => reason() === undefined)
      options.report({ type: 'task_running', taskId: task.id })
    }
    working.add(task.id)
  }

  return {
    approvals,
    async start(task, cleared) {
      // Airflow's teardowns run whatever happens to the run around them.
      const scope = new CancellationScope({
        parent: root,
        cancellable: task.teardown === undefined,
      })
      scopes.set(task.id, scope)
      try {
        return await scope.run(() => perform(task, cleared))
      } finally {
        scopes.delete(task.id)
      }
    },
    stop: (taskId) => scopes.get(taskId)?.cancel(),
    setPaused(value) {
      isPaused = value
    },
    outputs: () => Object.fromEntries(outputs),
  }
}
