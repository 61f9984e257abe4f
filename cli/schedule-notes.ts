import type { DatedDag, Gap } from '../dag/find-gaps.ts'
import type { ScheduleFacts } from '../platform/read-schedule.ts'
import { instant } from './print.ts'

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
      `${name} is paused ("${facts.note}"): no day runs by itself meanwhile, and afterwards ` +
        `${dag.catchup ? 'all that were left out' : 'the newest alone'}. ` +
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
        'the overlap policy ALLOW_ALL skips none.',
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

/** Which of the missing days run by themselves. */
export function explainCatchUp(
  catchUp: ScheduleFacts,
  start: string | undefined,
  gaps: readonly Gap[],
): string[] {
  const missing = gaps.filter(({ kind }) => kind === 'missing')
  const { length } = missing.filter(({ date }) => start !== undefined && date >= start)
  if (length === 0) return []
  if (catchUp.isPaused) {
    return [
      `The schedule catch_up is paused ("${catchUp.note}"): missing days do not run by themselves.`,
    ]
  }
  return [
    `The schedule catch_up starts ${length} of the missing days by itself, unless a start of theirs ` +
      'has come to nothing.',
  ]
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
