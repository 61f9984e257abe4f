import { setTimeout as sleep } from 'node:timers/promises'
import type { Strike } from './round.ts'
import type { Victim } from './victim.ts'

/** In milliseconds; shorter when the days are home. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}

/** Waits until the process is up, then signals it. False when the days came home before. */
export async function strikeDown(
  victim: Victim,
  how: NodeJS.Signals,
  on: Pick<Strike, 'signal' | 'tell'>,
): Promise<boolean> {
  while (!on.signal.aborted) {
    if (victim.signal(how)) {
      on.tell(`kill ${victim.name} by ${how}`)
      return true
    }
    await pause(50, on.signal)
  }
  return false
}

/** Looks of a millisecond each, inside the server: nothing that lasts longer is missed. */
const looks = 1_000

/**
 * Returns true as soon as the SQL condition holds; false when the days came home before. The server
 * looks by itself, so what follows comes within a millisecond or two.
 */
export async function sawInDatabase(
  { servers, signal }: Pick<Strike, 'servers' | 'signal'>,
  condition: string,
): Promise<boolean> {
  const watch = `do $watch$ begin
    for look in 1..${looks} loop
      perform pg_stat_clear_snapshot();
      if ${condition} then return; end if;
      perform pg_sleep(0.001);
    end loop;
    raise exception 'not seen';
  end $watch$`
  while (!signal.aborted) {
    const isSeen = await servers.database.query(watch).then(
      () => true,
      () => false,
    )
    if (isSeen) return !signal.aborted
    await pause(20, signal)
  }
  return false
}

/** Tasks that write, in the order of a day. */
export const writingTasks = [
  ...['extract_orders', 'transform_orders_to_staging', 'dq_checks', 'load_dim_product'],
  ...['load_fact_orders', 'compute_daily_metrics', 'score_anomalies', 'publish', 'notify'],
] as const

/** As an SQL condition: an attempt of the task runs. */
export function isRunning(taskId: string): string {
  return `exists (select from audit.task_runs where task_id = '${taskId}' and state = 'running')`
}
