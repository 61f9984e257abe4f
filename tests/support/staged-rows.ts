import type { Database } from '../../platform/database.ts'

/** Where a day's staged rows wait for their checks. */
export function candidate(source: string, date: string): string {
  return `staging.${source}_candidate_${date.replaceAll('-', '')}`
}

export interface BadRecord {
  record_no: number
  rules: string[]
}

/** The quarantine of a delivery, in the order of its file. */
export async function badRecords(
  database: Database,
  source: string,
  date: string,
): Promise<BadRecord[]> {
  const rows = await database.query<BadRecord>(
    'select record_no, rules from audit.bad_records where source = $1 and load_date = $2 order by 1',
    [source, date],
  )
  return rows.rows
}
