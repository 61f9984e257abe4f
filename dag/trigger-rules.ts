import type { TriggerRule } from './graph.ts'

/** How many direct upstream tasks are in which state; all that have not ended are `unfinished`. */
export interface UpstreamCounts {
  readonly success: number
  readonly failed: number
  readonly skipped: number
  readonly upstreamFailed: number
  readonly unfinished: number
}

export type Decision = 'run' | 'skip' | 'upstream_failed' | 'wait'

/**
 * What becomes of a task whose upstream tasks are in these states, with Airflow's meaning of the 13
 * rules. One departure: all_success skips only when all upstream tasks have ended, so that the end
 * never depends on the order in which they ended.
 */
export function decide(rule: TriggerRule, upstream: UpstreamCounts): Decision {
  if (total(upstream) === 0) return 'run'
  return rules[rule](upstream)
}

function total({ success, failed, skipped, upstreamFailed, unfinished }: UpstreamCounts): number {
  return success + failed + skipped + upstreamFailed + unfinished
}

const rules: Record<TriggerRule, (upstream: UpstreamCounts) => Decision> = {
  all_success: (upstream) =>
    first(
      [hasFailure(upstream), 'upstream_failed'],
      [isWaiting(upstream), 'wait'],
      [upstream.skipped > 0, 'skip'],
    ),
  all_failed: (upstream) =>
    first([upstream.success + upstream.skipped > 0, 'skip'], [isWaiting(upstream), 'wait']),
  all_done: (upstream) => first([isWaiting(upstream), 'wait']),
  all_done_min_one_success: (upstream) =>
    first(
      [upstream.skipped > 0, 'skip'],
      [isWaiting(upstream), 'wait'],
      [upstream.success === 0, 'upstream_failed'],
    ),
  // The same as all_done as long as no upstream task is a set-up.
  all_done_setup_success: (upstream) => first([isWaiting(upstream), 'wait']),
  one_success: (upstream) =>
    first(
      [upstream.success > 0, 'run'],
      [isWaiting(upstream), 'wait'],
      [hasFailure(upstream), 'upstream_failed'],
      [true, 'skip'],
    ),
  one_failed: (upstream) =>
    first([hasFailure(upstream), 'run'], [isWaiting(upstream), 'wait'], [true, 'skip']),
  one_done: (upstream) =>
    first(
      [upstream.success + upstream.failed > 0, 'run'],
      [isWaiting(upstream), 'wait'],
      [true, 'skip'],
    ),
  none_failed: (upstream) =>
    first([hasFailure(upstream), 'upstream_failed'], [isWaiting(upstream), 'wait']),
  none_failed_min_one_success: (upstream) =>
    first(
      [hasFailure(upstream), 'upstream_failed'],
      [isWaiting(upstream), 'wait'],
      [upstream.success === 0, 'skip'],
    ),
  none_skipped: (upstream) => first([upstream.skipped > 0, 'skip'], [isWaiting(upstream), 'wait']),
  all_skipped: (upstream) =>
    first([upstream.success > 0 || hasFailure(upstream), 'skip'], [isWaiting(upstream), 'wait']),
  always: () => 'run',
}

function hasFailure(upstream: UpstreamCounts): boolean {
  return upstream.failed + upstream.upstreamFailed > 0
}

function isWaiting(upstream: UpstreamCounts): boolean {
  return upstream.unfinished > 0
}

/** The answer of the first condition that holds; none means that the task runs. */
function first(...answers: [condition: boolean, answer: Decision][]): Decision {
  return answers.find(([condition]) => condition)?.[1] ?? 'run'
}
