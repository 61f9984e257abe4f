import type { ActivityRef } from './activity-refs.ts'
import type { Duration } from './duration.ts'
import { toMs } from './duration.ts'
import type { Deadline, DeadlineReference } from './graph.ts'

export interface DeadlineOptions {
  /** What it counts from; by default when the run was due. */
  readonly from?: DeadlineFrom
  readonly after: Duration
  /** Tells of it also this long before. */
  readonly warnBefore?: Duration
  readonly notify: ActivityRef<DeadlineAlert, unknown>
}

/**
 * `due`: when the schedule has the run start; when it was asked for, in a DAG without a schedule.
 * `queued`: when it was asked for. `averageOf`: then too, and as long as the last so many successful
 * runs took on average; while there are fewer than `atLeast`, by default as many, there is no deadline.
 * `at`: an instant, as `2026-03-31T06:00:00Z`. An activity: what it returns, such an instant or null.
 */
export type DeadlineFrom =
  | 'due'
  | 'queued'
  | { readonly averageOf: number; readonly atLeast?: number }
  | { readonly at: string }
  | ActivityRef<DeadlineQuestion, string | null>

/** What an activity is asked that says what a deadline counts from. */
export interface DeadlineQuestion {
  dagId: string
  date: string
  runKey: string
}

export interface DeadlineAlert {
  dagId: string
  date: string
  runKey: string
  kind: 'warning' | 'missed'
  /** ISO 8601, in UTC. */
  deadline: string
  /** Tasks that have not ended. */
  unfinished: string[]
}

export function deadlineOf({ from, after, warnBefore, notify }: DeadlineOptions): Deadline {
  return {
    from: referenceOf(from ?? 'due'),
    afterMs: toMs(after),
    warnBeforeMs: warnBefore === undefined ? null : toMs(warnBefore),
    activity: notify.activityName,
  }
}

function referenceOf(from: DeadlineFrom): DeadlineReference {
  if (from === 'due' || from === 'queued') return { reference: from }
  if ('at' in from) return { reference: 'fixed', atMs: instantMs(from.at) }
  if ('activityName' in from) return { reference: 'asked', activity: from.activityName }
  const { averageOf, atLeast = averageOf } = from
  return { reference: 'average_runtime', maxRuns: averageOf, minRuns: atLeast }
}

/** Of an instant with its zone: without one it would mean another time on another machine. */
function instantMs(text: string): number {
  return /(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
}

/** What is wrong with a deadline, in words. */
export function checkDeadline({ from, afterMs, warnBeforeMs }: Deadline): string[] {
  const isFromStart = from === undefined || ['due', 'queued'].includes(from.reference)
  if (isFromStart && (warnBeforeMs ?? 0) > afterMs) {
    return ['the deadline warns before it begins to count; warnBefore must be at most after']
  }
  if (from?.reference === 'fixed' && Number.isNaN(from.atMs)) {
    return ['the deadline counts from no instant; write at as 2026-03-31T06:00:00Z']
  }
  if (from?.reference !== 'average_runtime') return []
  const { maxRuns, minRuns } = from
  const isRight = Number.isInteger(maxRuns) && Number.isInteger(minRuns)
  if (isRight && 1 <= minRuns && minRuns <= maxRuns) return []
  return [
    `the deadline counts from the average of ${maxRuns} runs and at least ${minRuns}; write whole ` +
      'numbers from 1, atLeast no more than averageOf',
  ]
}

/** What is known of a run when it starts, as instants and spans in milliseconds. */
export interface RunTimes {
  /** When its schedule has it start; null where there is none. */
  readonly dueMs: number | null
  readonly queuedMs: number
  /** Of earlier runs; null where there are too few. */
  readonly averageMs: number | null
}

/** The instant that a deadline counts from; null where there is none. */
export function referenceMsOf(
  from: Exclude<DeadlineReference, { reference: 'asked' }>,
  { dueMs, queuedMs, averageMs }: RunTimes,
): number | null {
  switch (from.reference) {
    case 'due':
      return dueMs ?? queuedMs
    case 'queued':
      return queuedMs
    case 'average_runtime':
      return averageMs === null ? null : queuedMs + averageMs
    case 'fixed':
      return from.atMs
  }
}
