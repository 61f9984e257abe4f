import type { TaskNode } from '../graph.ts'
import type { RunEvent } from '../reducer.ts'
import type { Slots } from './slots.ts'
import { waitByRetries } from './wait-by-retries.ts'

/** What a task waits for besides its upstream tasks. */
export interface Limits {
  acquire(task: TaskNode): Promise<void>
  release(task: TaskNode): Promise<void>
}

export interface LimitsOptions {
  readonly dagId: string
  readonly date: string
  /** Whether tasks that depend on their past look at it; the first run of a backfill does not. */
  readonly hasPast: boolean
  readonly slots: Slots
  readonly report: (event: RunEvent) => void
}

/** What the activity `awaitPast` waits for: the task in the run before. */
export interface PastInput {
  readonly dagId: string
  readonly date: string
  readonly taskId: string
  /** Also for the tasks right after it there. */
  readonly waitForDownstream: boolean
}

/** Pools and the past of a task. A task without either costs nothing here. */
export function createLimits({ dagId, date, hasPast, slots, report }: LimitsOptions): Limits {
  const whileQueued = async (taskId: string, reason: string, wait: () => Promise<unknown>) => {
    report({ type: 'task_queued', taskId, reason })
    await wait()
    report({ type: 'task_running', taskId })
  }

  return {
    async acquire({ id, past, pool }) {
      if (past !== undefined && hasPast) {
        const input: PastInput = { dagId, date, taskId: id, ...past }
        const reason = `depends_on_past: ${id} of the run before has not succeeded`
        await whileQueued(id, reason, () => waitByRetries('awaitPast', `past:${id}`, input))
      }
      if (pool === undefined) return
      const words = `pool ${pool.name}: ${pool.slots} slots are not free`
      await slots.acquire({ taskId: id, ...pool }, () =>
        report({ type: 'task_queued', taskId: id, reason: words }),
      )
      report({ type: 'task_running', taskId: id })
    },
    async release({ id, pool }) {
      if (pool !== undefined) await slots.release(id)
    },
  }
}
