import { z } from 'zod'
import type { Database } from '../platform/database.ts'
import { printLine, printTable } from './print.ts'

const Restatement = z.object({
  figures: z.array(
    z.object({ metric: z.string(), before: z.string().nullable(), after: z.string().nullable() }),
  ),
  rows: z.array(
    z.object({ table: z.string(), date: z.string(), inserted: z.number(), deleted: z.number() }),
  ),
})
type Restatement = z.infer<typeof Restatement>

/** What a run changed of a day that was published before it; null when it published none again. */
export async function readRestatement(
  database: Database,
  runId: string,
): Promise<Restatement | null> {
  const found = await database.query<{ restatement: unknown }>(
    `select restatement from audit.publications where run_id = $1 and restatement is not null
     order by publication_id desc limit 1`,
    [runId],
  )
  const [publication] = found.rows
  return publication === undefined ? null : Restatement.parse(publication.restatement)
}

export function printRestatement(restatement: Restatement | null): void {
  if (restatement === null) return
  printLine('\nRestated')
  const figures = restatement.figures.map(({ metric, before, after }) => [metric, before, after])
  printTable(['figure of the day', 'before', 'after'], figures, 'The day has no figures.')
  const rows = restatement.rows.map((row) => [row.table, row.date, row.deleted, row.inserted])
  printTable(['table', 'date', 'rows out', 'rows in'], rows, 'No row of a date moved.')
}
