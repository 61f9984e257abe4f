import type { Database } from '../platform/database.ts'
import { visible } from '../domain/records/visible-text.ts'
import { printLine } from './print.ts'

/** Which deliveries a command is about. */
export interface ChosenDays {
  date?: string
  from?: string
  to?: string
  source?: string
}

/** SQL that chooses rows of a table with a source and a delivery date; parameters from $1 to $3. */
export function isChosen(table: string): string {
  return `($1::text is null or ${table}.source = $1)
    and ${table}.load_date between coalesce($2::date, '-infinity') and coalesce($3::date, 'infinity')`
}

export function paramsOf({ date, from, to, source }: ChosenDays): (string | null)[] {
  return [source ?? null, date ?? from ?? null, date ?? to ?? null]
}

/** A decision that no run has brought into the books yet. */
export interface Waiting {
  record: string
  source: string
  load_date: string
  action: 'fix' | 'drop'
  made_by: string
  reason: string
  /** The DAG whose run booked the file; null when that run is not on record. */
  dag_id: string | null
}

export async function readWaiting(database: Database, days: ChosenDays): Promise<Waiting[]> {
  const { rows } = await database.query<Waiting>(
    `select fix.path || ':' || fix.record_no as record, fix.source, fix.load_date, fix.action,
       fix.made_by, fix.reason, run.dag_id
     from audit.fixes_in_force as fix
     inner join audit.source_files as file using (file_id)
     left join audit.pipeline_runs as run on run.run_id = file.run_id
     where fix.published_at is null and ${isChosen('fix')}
     order by fix.load_date, fix.source, fix.path, fix.record_no`,
    paramsOf(days),
  )
  return rows
}

/** A decision about a file that was delivered again since, with other content. */
export type Outdated = Omit<Waiting, 'dag_id'>

export async function readOutdated(database: Database, days: ChosenDays): Promise<Outdated[]> {
  const { rows } = await database.query<Outdated>(
    `select path || ':' || record_no as record, source, load_date, action, made_by, reason
     from audit.fixes_in_force as fix
     where file_id is null and ${isChosen('fix')}
     order by load_date, source, path, record_no`,
    paramsOf(days),
  )
  return rows
}

/** Says which decisions the books do not have, and which hold no longer. */
export function printOpenDecisions(open: {
  readonly waiting: readonly Waiting[]
  readonly outdated: readonly Outdated[]
}): void {
  const { length } = open.waiting
  if (length > 0) {
    const count = length === 1 ? '1 decision waits' : `${length} decisions wait`
    printLine(`\n${count} for a run of the day: \`daybook quarantine redrive\``)
  }
  const { fix = [], drop = [] } = Object.groupBy(open.outdated, ({ action }) => action)
  printOutdated('fixed', fix)
  printOutdated('dropped', drop)
}

function printOutdated(verb: string, outdated: readonly Outdated[]): void {
  if (outdated.length === 0) return
  printLine(`\nNo longer ${verb}, because their files were delivered again with other content:`)
  for (const { record } of outdated) printLine(`  ${visible(record)}`)
}
