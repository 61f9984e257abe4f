import { proxyActivities, proxyLocalActivities, workflowInfo } from '@temporalio/workflow'
import type { createSlotActivities } from '../../activities/slots.ts'

type SlotActivities = ReturnType<typeof createSlotActivities>

const { requestSlots } = proxyLocalActivities<SlotActivities>({ startToCloseTimeout: '30 seconds' })
const { awaitSlots } = proxyActivities<SlotActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 hour' },
})

/** Waits for all slots of a pool as a run does that is never told. Returns whether it had to wait. */
export async function waits_for_slots(pool: string, slots: number): Promise<boolean> {
  const { runId, workflowId } = workflowInfo()
  const wanted = { runId, workflowId, taskId: 'load', pool, slots, priority: 1, date: '2025-12-13' }
  const { isGranted } = await requestSlots(wanted)
  if (!isGranted) await awaitSlots(wanted)
  return !isGranted
}
