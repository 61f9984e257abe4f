import { addDays, datesBetween, intervalOf } from './calendar.ts'

/** Something that tasks write a day of, and that other DAGs wait for: Airflow's asset. */
export interface Dataset {
  readonly dataset: string
}

/** All days of the week or month of which the run's date is the last one. */
export interface DatasetWindow extends Dataset {
  readonly window: Window
  /** Enough days: from 1 at least so many, below 0 at most so many missing; null asks for all. */
  readonly minimum: number | null
}

type Window = 'week' | 'month'

/** What a DAG waits for; it is asked anew for every date. */
export type DatasetCondition =
  | Dataset
  | DatasetWindow
  | { readonly all: readonly DatasetCondition[] }
  | { readonly any: readonly DatasetCondition[] }

export interface CronSchedule {
  readonly cron: string
  readonly timeZone: string
  /** Start it as well. */
  readonly datasets?: DatasetCondition
}

export interface DatasetSchedule {
  readonly datasets: DatasetCondition
  /** UTC by default. */
  readonly timeZone?: string
}

/** A day of a dataset was written. */
export interface DatasetEvent {
  dataset: string
  date: string
  /** Null where a person recorded it. */
  runKey: string | null
  taskId: string | null
  /** ISO 8601, in UTC. */
  recordedAt: string
}

export function dataset(name: string): Dataset {
  return { dataset: name }
}

export function all(...conditions: readonly DatasetCondition[]): DatasetCondition {
  return { all: conditions }
}

export function any(...conditions: readonly DatasetCondition[]): DatasetCondition {
  return { any: conditions }
}

/** Monday to Sunday; the run is for the Sunday. */
export function weekOf({ dataset }: Dataset, minimum: number | null = null): DatasetWindow {
  return { dataset, window: 'week', minimum }
}

/** The run is for the last day of the month. */
export function monthOf({ dataset }: Dataset, minimum: number | null = null): DatasetWindow {
  return { dataset, window: 'month', minimum }
}

type Leaf = Dataset | DatasetWindow

export function leavesOf(condition: DatasetCondition): Leaf[] {
  if ('all' in condition) return condition.all.flatMap(leavesOf)
  if ('any' in condition) return condition.any.flatMap(leavesOf)
  return [condition]
}

/** Names, each once. */
export function datasetsIn(condition: DatasetCondition): string[] {
  return [...new Set(leavesOf(condition).map((leaf) => leaf.dataset))]
}

/** Days of a dataset, both ends included. */
export interface DatasetDays extends Dataset {
  readonly from: string
  readonly to: string
}

/** What the run of a date reads. */
export function daysFor(condition: DatasetCondition, date: string): DatasetDays[] {
  return leavesOf(condition).flatMap((leaf) => {
    const { dataset } = leaf
    if (!('window' in leaf)) return [{ dataset, from: date, to: date }]
    const { from, to } = rangeOf(leaf.window, date)
    return date === to ? [{ dataset, from, to }] : []
  })
}

/** The dates of the runs that an event may complete, each once. */
export function runDatesOf(
  condition: DatasetCondition,
  event: Pick<DatasetEvent, 'dataset' | 'date'>,
): string[] {
  const leaves = leavesOf(condition).filter((leaf) => leaf.dataset === event.dataset)
  const dates = leaves.map((leaf) =>
    'window' in leaf ? rangeOf(leaf.window, event.date).to : event.date,
  )
  return [...new Set(dates)]
}

export interface Known {
  readonly date: string
  /** Of the DAG: a day that its calendar left out is not waited for. */
  readonly timeZone: string
  readonly has: (dataset: string, date: string) => boolean
}

/** What a condition lacks for the run of a date, in words; undefined when it is complete. */
export function missingFor(condition: DatasetCondition, known: Known): string | undefined {
  if ('all' in condition) {
    const missing = condition.all.flatMap((one) => missingFor(one, known) ?? [])
    return missing.length === 0 ? undefined : missing.join(' and ')
  }
  if ('any' in condition) {
    const missing = condition.any.map((one) => missingFor(one, known))
    return missing.includes(undefined) ? undefined : `(${missing.join(' or ')})`
  }
  if ('window' in condition) return missingInWindow(condition, known)
  const { dataset } = condition
  return known.has(dataset, known.date) ? undefined : `${dataset} of ${known.date}`
}

function missingInWindow(
  { dataset, window, minimum }: DatasetWindow,
  { date, timeZone, has }: Known,
): string | undefined {
  const { from, to } = rangeOf(window, date)
  if (date !== to) return `${dataset} of the ${window} (${date} is not its last day)`
  const days = datesBetween(from, to).filter((day) => isInCalendar(day, timeZone))
  const missing = days.filter((day) => !has(dataset, day))
  const needed = minimum === null ? days.length : minimum > 0 ? minimum : days.length + minimum
  const found = days.length - missing.length
  if (found >= needed) return undefined
  return `${dataset} of the ${window}: ${found} of ${needed} days, without ${missing.join(', ')}`
}

/** Where the date line moved, a day never was. */
function isInCalendar(date: string, timeZone: string): boolean {
  const { startMs, endMs } = intervalOf(date, timeZone)
  return startMs < endMs
}

function rangeOf(window: Window, date: string): { from: string; to: string } {
  const day = new Date(`${date}T00:00:00Z`)
  if (window === 'week') {
    const from = addDays(date, -((day.getUTCDay() + 6) % 7))
    return { from, to: addDays(from, 6) }
  }
  const to = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0))
  return { from: `${date.slice(0, 7)}-01`, to: to.toISOString().slice(0, 10) }
}

/** Of a month, the days that every one has. */
const fewestDays = { week: 7, month: 28 } as const

/** Every mistake in a condition, in words. */
export function problemsOf(condition: DatasetCondition): string[] {
  if ('all' in condition || 'any' in condition) {
    const parts = 'all' in condition ? condition.all : condition.any
    const words = 'all' in condition ? 'all()' : 'any()'
    if (parts.length === 0) return [`datasets: ${words} names none, and would never be complete`]
    return parts.flatMap(problemsOf)
  }
  const problems = problemsOfName(condition.dataset)
  if ('window' in condition && condition.minimum !== null) {
    problems.push(...problemsOfMinimum(condition, condition.minimum))
  }
  return problems
}

export function problemsOfName(name: string): string[] {
  if (/^[a-z][a-z0-9_.]*$/.test(name)) return []
  return [`"${name}" is no name of a dataset; write it like orders or warehouse.fact_orders`]
}

function problemsOfMinimum({ dataset, window }: DatasetWindow, minimum: number): string[] {
  const most = fewestDays[window]
  const where = `datasets: ${dataset} of the ${window}: the minimum is ${minimum}`
  if (!Number.isInteger(minimum) || minimum === 0) {
    return [
      `${where}; write 1 to ${most} for so many days, or -1 to -${most - 1} for so many missing`,
    ]
  }
  if (minimum > most)
    return [`${where}, which cannot be reached: a ${window} may have ${most} days`]
  if (minimum <= -most)
    return [`${where}, which asks for no day at all; a ${window} may have ${most}`]
  return []
}

/** A condition as people write it. */
export function conditionInWords(condition: DatasetCondition): string {
  if ('all' in condition) return `all(${condition.all.map(conditionInWords).join(', ')})`
  if ('any' in condition) return `any(${condition.any.map(conditionInWords).join(', ')})`
  if (!('window' in condition)) return condition.dataset
  const { dataset, window, minimum } = condition
  return `${window}Of(${dataset}${minimum === null ? '' : `, ${minimum}`})`
}
