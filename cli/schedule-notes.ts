import type { Client } from '@temporalio/client'
import { ScheduleNotFoundError } from '@temporalio/client'
import type { DatedDag, Gap } from '../dag/find-gaps.ts'
import { instant } from './print.ts'

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

/** Why dates may be missing, in words; a schedule only counts what it left out, without dates. */
export function explainSchedule(
  dag: DatedDag,
  facts: ScheduleFacts | undefined,
  gaps: readonly Gap[],
): string[] {
  if (dag.schedule === null) return []
  const name = `The schedule ${dag.id}`
  if (facts === undefined) {
    return [`${name} is not in Temporal: no day runs by itself. A worker makes it when it starts.`]
  }
  const neverRan = gaps.filter(({ kind }) => kind === 'missing' || kind === 'not_caught_up')
  const early = neverRan.filter((gap) => gap.dueMs < facts.createdMs).length
  const created = instant(new Date(facts.createdMs))
  const notes: [boolean | number, string][] = [
    [
      facts.isPaused,
      `${name} is paused ("${facts.note}"): days that come due meanwhile are not made up for. ` +
        `\`temporal schedule toggle --schedule-id ${dag.id} --unpause\` lets it go on.`,
    ],
    [
      early,
      `${name} was made at ${created} UTC: ${early} of the missing days were due before, and a ` +
        'schedule makes no run for the past.',
    ],
    [
      facts.skippedOverlaps,
      `${name} skipped ${count(facts.skippedOverlaps, 'tick')} because a run was still going; ` +
        'the overlap policy BUFFER_ALL skips none.',
    ],
    [
      facts.missedCatchups,
      `${name} missed ${count(facts.missedCatchups, 'tick')} in an outage that was longer than ` +
        'its catch-up window.',
    ],
    [
      facts.droppedTicks,
      `${name} dropped ${count(facts.droppedTicks, 'tick')} because too many were waiting.`,
    ],
    [
      facts.waitingTicks,
      `${name} has ${count(facts.waitingTicks, 'tick')} waiting for a run to end: their days run ` +
        'by themselves.',
    ],
  ]
  return notes.filter(([isDue]) => isDue).map(([, words]) => words)
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
