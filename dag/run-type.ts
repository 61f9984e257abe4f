/** Airflow's run types, as far as a DAG may say which it takes. */
export const runTypes = [
  ...(['scheduled', 'manual', 'backfill'] as const),
  ...(['dataset_triggered', 'operator_triggered'] as const),
] as const

export type RunType = (typeof runTypes)[number]

const typeOfTrigger: ReadonlyMap<string, RunType> = new Map([
  ['schedule', 'scheduled'],
  ['backfill', 'backfill'],
  ['dataset', 'dataset_triggered'],
  ['run_dag', 'operator_triggered'],
])

/**
 * What starts runs that are the past of later ones (`dependsOnPast`) in a DAG that catches up: all
 * types but manual ones, as in Airflow's `get_previous_scheduled_dagrun`. Runs of `runDag` are among
 * them and pass `latestOnly` all the same: they are made without a person, but for a date of choice.
 */
export const triggersOfScheduledPast: readonly string[] = [...typeOfTrigger.keys()]

/** The type of a run by what started it: people and programs of no known kind are manual. */
export function runTypeOf(trigger: string): RunType {
  return typeOfTrigger.get(trigger) ?? 'manual'
}

/** Whether `latestOnly` skips nothing in a run, however old: a person or another DAG asked for its date. */
export function alwaysPassesLatestOnly(trigger: string): boolean {
  return ['manual', 'operator_triggered'].includes(runTypeOf(trigger))
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
