import type { Graph } from '../dag/graph.ts'
import type { Database } from '../platform/database.ts'

/**
 * How long the last successful runs of a DAG took on average, in milliseconds, if its deadline counts
 * from that and there are enough of them. Repairs do not count: they ran a part of their tasks.
 */
export async function averageRuntime(
  database: Pick<Database, 'query'>,
  { dagId, deadline }: Graph,
): Promise<number | null> {
  if (deadline?.from?.reference !== 'average_runtime') return null
  const { maxRuns, minRuns } = deadline.from
  const { rows } = await database.query<{ ms: number | null }>(
    `with

     latest as (
         select seconds from audit.pipeline_runs
         where dag_id = $1 and state = 'success' and cleared_from is null
         order by logical_date desc, started_at desc
         limit $2
     )

     select case when count(*) >= $3 then round(avg(seconds) * 1000)::float8 end as ms from latest`,
    [dagId, maxRuns, minRuns],
  )
  return rows[0]?.ms ?? null
}
