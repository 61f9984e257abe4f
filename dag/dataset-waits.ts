import { hasEnded } from './calendar.ts'
import type { DatasetCondition, DatasetDays, DatasetEvent } from './datasets.ts'
import { datasetsIn, daysFor, leavesOf, missingFor, runDatesOf } from './datasets.ts'
import type { Dag } from './define-dag.ts'

/** A run that datasets ask for: some event of its date was not taken up by any run. */
export interface DatasetWait {
  readonly dagId: string
  readonly date: string
  /** What it lacks, in words; null when it can start. */
  readonly missing: string | null
}

/** An event that may start a run of a DAG, and the dates of the runs that have taken it up already. */
export interface FreshEvent extends Pick<DatasetEvent, 'dataset' | 'date'> {
  readonly takenBy: readonly string[]
}

export interface FreshQuestion {
  readonly dagId: string
  /** Names, and for how many dates at most a run of the DAG takes up an event of each. */
  readonly datasets: readonly { readonly name: string; readonly uses: number }[]
  /** Whether events count that are older than the DAG. */
  readonly catchup: boolean
}

/** Where events are kept. */
export interface DatasetLedger {
  /** Events that not all runs have taken up that may; the oldest date first. */
  readFreshEvents(question: FreshQuestion): Promise<readonly FreshEvent[]>
  /** The days of datasets that have events, as `<dataset> <date>`. */
  readDaysWithEvents(days: readonly DatasetDays[]): Promise<ReadonlySet<string>>
}

export type Consumer = Pick<Dag, 'id' | 'timeZone' | 'startDate' | 'catchup' | 'datasets'>

/** The runs of a DAG that datasets ask for, the oldest date first. */
export async function findWaits(
  { id, timeZone, startDate, catchup, datasets }: Consumer,
  ledger: DatasetLedger,
  nowMs: number,
): Promise<DatasetWait[]> {
  if (datasets === undefined) return []
  const fresh = await ledger.readFreshEvents({ dagId: id, datasets: usesOf(datasets), catchup })
  const asked = fresh.flatMap((event) =>
    runDatesOf(datasets, event).filter((date) => !event.takenBy.includes(date)),
  )
  const dates = [...new Set(asked)].filter((date) => date >= (startDate ?? '')).sort()
  const days = await ledger.readDaysWithEvents(dates.flatMap((date) => daysFor(datasets, date)))
  const has = (name: string, day: string) => days.has(`${name} ${day}`)
  return dates.map((date) => {
    const isOver = hasEnded(date, nowMs, timeZone)
    const missing = missingFor(datasets, { date, timeZone, has })
    return {
      ...{ dagId: id, date },
      missing: missing ?? (isOver ? null : `the end of ${date} in ${timeZone}`),
    }
  })
}

function usesOf(condition: DatasetCondition): FreshQuestion['datasets'] {
  const leaves = leavesOf(condition)
  const kinds = (name: string) =>
    leaves.flatMap((leaf) =>
      leaf.dataset === name ? ['window' in leaf ? leaf.window : 'day'] : [],
    )
  return datasetsIn(condition).map((name) => ({ name, uses: new Set(kinds(name)).size }))
}
