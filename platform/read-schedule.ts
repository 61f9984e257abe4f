import type { Client } from '@temporalio/client'
import { ScheduleNotFoundError } from '@temporalio/client'

/** What Temporal keeps of a schedule that can explain a date without a run. */
export interface ScheduleFacts {
  readonly isPaused: boolean
  readonly note: string
  readonly createdMs: number
  /** Ticks left out because a run was still going. */
  readonly skippedOverlaps: number
  /** Ticks missed in an outage that was longer than the catch-up window. */
  readonly missedCatchups: number
  /** Ticks lost because too many were waiting. */
  readonly droppedTicks: number
  /** Ticks that wait for a run to end. */
  readonly waitingTicks: number
}

/** Undefined when Temporal has no such schedule. */
export async function readSchedule(
  client: Client,
  scheduleId: string,
): Promise<ScheduleFacts | undefined> {
  try {
    const { state, info, raw } = await client.schedule.getHandle(scheduleId).describe()
    return {
      isPaused: state.paused,
      note: state.note ?? '',
      createdMs: info.createdAt.getTime(),
      skippedOverlaps: info.numActionsSkippedOverlap,
      missedCatchups: info.numActionsMissedCatchupWindow,
      droppedTicks: Number(raw.info?.bufferDropped ?? 0),
      waitingTicks: Number(raw.info?.bufferSize ?? 0),
    }
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined
    throw error
  }
}
