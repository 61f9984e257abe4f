import {
  CancellationScope,
  condition,
  defineSignal,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { PoolUse } from '../graph.ts'
import { waitByRetries } from './wait-by-retries.ts'

/** Sent by whoever gave slots back, to a run whose task may use them now. */
export const slotsGrantedSignal = defineSignal<[taskId: string]>('slots_granted')

/** The activities of Daybook that hold the limits between runs. */
export interface SlotActivities {
  requestSlots(request: SlotRequest): Promise<{ isGranted: boolean }>
  releaseSlots(request: { runId: string; taskId?: string }): Promise<void>
}

export interface SlotRequest {
  readonly runId: string
  readonly workflowId: string
  /** Empty for the run's own place among the active runs of its DAG. */
  readonly taskId: string
  readonly pool: string
  readonly slots: number
  readonly priority: number
  readonly date: string
  /** Size of a pool that nobody has set. */
  readonly poolSlots?: number
}

export interface Slots {
  /** Waits for slots; `onWait` is told if it has to. Without a pool there is nothing to wait for. */
  acquire(wanted: SlotUse, onWait: () => void): Promise<void>
  release(taskId: string): Promise<void>
}

export type SlotUse = PoolUse & { readonly taskId: string; readonly poolSlots?: number }

const { requestSlots, releaseSlots } = proxyLocalActivities<SlotActivities>({
  startToCloseTimeout: '30 seconds',
})

/** Slots of pools that this run shares with others. */
export function createSlots(date: string): Slots {
  const { runId, workflowId } = workflowInfo()
  const granted = new Set<string>()
  setHandler(slotsGrantedSignal, (taskId) => void granted.add(taskId), {
    description: 'Slots of a pool are free for a task that waits for them',
  })
  return {
    async acquire({ name, ...wanted }, onWait) {
      const { taskId } = wanted
      const request = { ...wanted, runId, workflowId, pool: name, date }
      const { isGranted } = await requestSlots(request)
      if (isGranted || granted.has(taskId)) return
      onWait()
      const isGrantedByNow = condition(() => granted.has(taskId))
      await firstOf(isGrantedByNow, () => waitByRetries('awaitSlots', `slots:${taskId}`, request))
    },
    async release(taskId) {
      granted.delete(taskId)
      await releaseSlots({ runId, taskId })
    },
  }
}

async function firstOf(one: Promise<void>, other: () => Promise<unknown>): Promise<void> {
  const scope = new CancellationScope()
  try {
    await Promise.race([one, scope.run(other)])
  } finally {
    scope.cancel()
  }
}
