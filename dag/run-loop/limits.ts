import { CancellationScope } from '@temporalio/workflow'
import type { TaskNode } from '../graph.ts'
import type { RunEvent } from '../reducer.ts'
import { slotHolder } from '../retry-delay.ts'
import type { SlotRequest, Slots, SlotUse } from './slots.ts'
import { waitByRetries } from './wait-by-retries.ts'

/** What limits count: a task, or an instance of a mapped one. */
export interface Counted {
  readonly task: TaskNode
  /** `load`, or `load[17]`. */
  readonly id: string
  readonly mapIndex?: number
  /** What people call the instance, if its map says so. */
  readonly name?: string
  /** How often the task was cleared before. */
  readonly cleared: number
}

/** What a task waits for besides its upstream tasks. A task without limits costs nothing here. */
export interface Limits {
  awaitPast(task: TaskNode): Promise<void>
  /** Waits for a place among the instances of the task in all runs, and for the slots of its pool. */
  acquire(counted: Counted): Promise<void>
  /** The slots of its pool again, after so many tries. */
  acquireAgain(counted: Counted, triesBefore: number): Promise<void>
  release(counted: Counted): Promise<void>
  /** What its tries take of their pool by themselves. */
  slotsOfTries(counted: Counted): SlotRequest | undefined
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
  /** The run before is the last one that is not manual (`triggersOfScheduledPast`). */
  readonly isScheduled?: true
}

/** Pools, the limit of a task over all runs, and its past. */
export function createLimits({ dagId, date, hasPast, slots, report }: LimitsOptions): Limits {
  /** An instance that waits says so only for as long as none has begun: its task is running then. */
  const begun = new Set<string>()

  const take = async ({ task, mapIndex }: Counted, use: SlotUse, reason: string) => {
    const isShown = mapIndex === undefined || !begun.has(task.id)
    let hasWaited = false
    await slots.acquire(use, () => {
      hasWaited = isShown
      if (isShown) report({ type: 'task_queued', taskId: task.id, reason })
    })
    if (hasWaited) report({ type: 'task_running', taskId: task.id })
  }
  const takePool = async (counted: Counted, triesBefore: number) => {
    const { pool } = counted.task
    if (pool === undefined) return
    const use = { ...poolUse(counted, pool), holder: holderOf(counted, triesBefore) }
    await take(counted, use, `pool ${pool.name}: ${pool.slots} slots are not free`)
  }

  return {
    async awaitPast({ id, past }) {
      if (!hasPast || past === undefined) return
      const { beforeSkipping: _, ...looked } = past
      const input: PastInput = { dagId, date, taskId: id, ...looked }
      const reason = `depends_on_past: ${id} of the run before has not succeeded`
      report({ type: 'task_queued', taskId: id, reason })
      await waitByRetries('awaitPast', `past:${id}`, input)
      report({ type: 'task_running', taskId: id })
    },
    async acquire(counted) {
      const { task } = counted
      const use = activeUse(counted)
      if (use !== undefined) {
        await take(counted, use, `max_active_tis_per_dag of ${task.id} is ${use.poolSlots}`)
      }
      if (task.pool !== undefined) await takePool(counted, 0)
      if (counted.mapIndex !== undefined) begun.add(task.id)
    },
    acquireAgain: takePool,
    release(counted) {
      const { task, id } = counted
      return CancellationScope.nonCancellable(async () => {
        if (task.pool !== undefined) await slots.release(id)
        const use = activeUse(counted)
        if (use !== undefined) await slots.release(use.taskId)
      })
    },
    slotsOfTries(counted) {
      const { pool, mapping, counted: what } = counted.task
      // In runs recorded before, a mapped task holds its slots for all its instances.
      if (mapping !== undefined && what !== 'instances') return undefined
      return pool && slots.requestFor(poolUse(counted, pool))
    },
  }
}

function poolUse({ id, mapIndex }: Counted, pool: NonNullable<TaskNode['pool']>): SlotUse {
  return { ...pool, taskId: id, ...(mapIndex === undefined ? {} : { mapIndex }) }
}

/** A place for as long as the task goes on, whatever it waits for then. */
function activeUse({ task, id, mapIndex }: Counted): SlotUse | undefined {
  if (task.maxActive === undefined) return undefined
  const { pool: name, most: poolSlots } = task.maxActive
  const index = mapIndex === undefined ? {} : { mapIndex }
  return { name, slots: 1, priority: 0, taskId: `${id}:active`, poolSlots, ...index }
}

function holderOf({ cleared }: Counted, triesBefore: number): string {
  return slotHolder(cleared, triesBefore + 1)
}
