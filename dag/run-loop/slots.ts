import {
  CancellationScope,
  condition,
  defineSignal,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { PoolUse } from '../graph.ts'
import type { InTurn } from './local-queue.ts'
import { localOptions } from './local-options.ts'
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
  readonly mapIndex?: number
  /** Which try of the task asks. */
  readonly holder?: string
}

export interface Slots {
  /** Waits for slots; `onWait` is told if it has to. */
  acquire(wanted: SlotUse, onWait: () => void): Promise<void>
  release(taskId: string): Promise<void>
  /** The request as a whole, for whoever asks in place of the run. */
  requestFor(wanted: SlotUse): SlotRequest
}

export type SlotUse = PoolUse & Pick<SlotRequest, 'taskId' | 'poolSlots' | 'mapIndex' | 'holder'>

const local = proxyLocalActivities<SlotActivities>(localOptions)

/** Slots of pools that this run shares with others. */
export function createSlots(date: string, inTurn: InTurn): Slots {
  // The first id of the execution: a reset keeps it, and with it the slots.
  const { originalExecutionRunId: runId, workflowId } = workflowInfo()
  const requestSlots = inTurn(local.requestSlots)
  const releaseSlots = inTurn(local.releaseSlots)
  const told = new Set<string>()
  setHandler(slotsGrantedSignal, (taskId) => void told.add(taskId), {
    description: 'Slots of a pool are free for a task that waits for them',
  })
  const requestFor = ({ name, ...wanted }: SlotUse): SlotRequest => ({
    ...{ ...wanted, runId, workflowId, pool: name, date },
  })
  return {
    requestFor,
    async acquire(wanted, onWait) {
      const { taskId } = wanted
      const request = requestFor(wanted)
      if ((await requestSlots(request)).isGranted) return
      onWait()
      do {
        const isTold = condition(() => told.has(taskId))
        await firstOf(isTold, () => waitByRetries('awaitSlots', `slots:${taskId}`, request))
        told.delete(taskId)
        // A signal is a hint, and may be an old one.
      } while (!(await requestSlots(request)).isGranted)
    },
    async release(taskId) {
      told.delete(taskId)
      await releaseSlots({ runId, taskId })
    },
  }
}

async function firstOf(one: Promise<void>, other: () => Promise<unknown>): Promise<void> {
  const scope = new CancellationScope()
  const waiting = scope.run(other)
  try {
    await Promise.race([one, waiting])
  } finally {
    scope.cancel()
    // Its id is free again only when it has really ended.
    await CancellationScope.nonCancellable(() => waiting.catch(() => undefined))
  }
}
