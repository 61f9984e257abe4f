/** Airflow's run types, as far as a DAG may say which it takes. */
export const runTypes = [
  ...(['scheduled', 'manual', 'backfill'] as const),
  ...(['dataset_triggered', 'operator_triggered'] as const),
] as const

export type RunType = (typeof runTypes)[number]

/** The type of a run by what started it: people and programs that neither schedule nor backfill are manual. */
export function runTypeOf(trigger: string): RunType {
  switch (trigger) {
    case 'schedule':
      return 'scheduled'
    case 'backfill':
      return 'backfill'
    case 'dataset':
      return 'dataset_triggered'
    case 'run_dag':
      return 'operator_triggered'
    default:
      return 'manual'
  }
}

/** Why a DAG takes no run of a type, with the remedy; undefined if it does. */
export function refusalOf(
  { id, allowedRunTypes }: { id: string; allowedRunTypes: readonly RunType[] },
  type: RunType,
): string | undefined {
  if (allowedRunTypes.includes(type)) return undefined
  return (
    `${id} takes no ${type} runs: its allowedRunTypes are ${allowedRunTypes.join(', ')}; ` +
    'start it in one of these ways, or change that option of the DAG'
  )
}
