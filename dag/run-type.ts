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

/** What starts runs that nobody asked for one by one: all types but manual ones. */
export const triggersOfItself: readonly string[] = [...typeOfTrigger.keys()]

/** The type of a run by what started it: people and programs of no known kind are manual. */
export function runTypeOf(trigger: string): RunType {
  return typeOfTrigger.get(trigger) ?? 'manual'
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
