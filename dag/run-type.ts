/** Airflow's run types, as far as a DAG may say which it takes. */
export const runTypes = ['scheduled', 'manual', 'backfill'] as const

export type RunType = (typeof runTypes)[number]

/** The type of a run by what started it: people and programs that neither schedule nor backfill are manual. */
export function runTypeOf(trigger: string): RunType {
  if (trigger === 'schedule') return 'scheduled'
  return trigger === 'backfill' ? 'backfill' : 'manual'
}
