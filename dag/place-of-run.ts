/** The id under which a run itself holds a slot, among those of its tasks. */
const ownPlace = ''

interface Run {
  readonly runId: string
  readonly workflowId: string
  readonly dagId: string
  readonly date: string
  readonly maxActiveRuns: number
}

/** A run's place among the active runs of its DAG: a slot in a pool of so many. The oldest date goes first. */
export function placeOf({ dagId, maxActiveRuns, ...run }: Run) {
  const pool = `dag:${dagId}`
  return { ...run, taskId: ownPlace, pool, slots: 1, priority: 0, poolSlots: maxActiveRuns }
}
