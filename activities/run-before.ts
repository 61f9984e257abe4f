import type { Graph } from '../dag/graph.ts'
import type { BackfillOfDay } from '../dag/resolve-run.ts'
import type { Database } from '../platform/database.ts'
import { badInput } from './bad-input.ts'

/** What a run that a backfill makes keeps of the latest run of its key; nothing where there is none. */
export interface KeptOfRunBefore {
  readonly run: { readonly params?: unknown }
  readonly graph?: Graph
}

/** @throws BadInput (never retried) when it needs params and has no run before to have them from */
export async function readRunBefore(
  database: Database,
  runKey: string,
  exceptRunId: string,
  { params, graph, unfit }: BackfillOfDay,
): Promise<KeptOfRunBefore> {
  if (params === 'given' && graph === 'latest') return { run: {} }
  const { rows } = await database.query<{ params: unknown; graph: Graph }>(
    `select params, graph from audit.executions where run_key = $1 and run_id <> $2
     order by recency desc limit 1`,
    [runKey, exceptRunId],
  )
  const [before] = rows
  if (before === undefined && unfit !== undefined) {
    throw badInput(
      `${runKey} cannot start: it has no run before whose params it could keep, and without any ` +
        `${unfit}. Give the backfill its params.`,
    )
  }
  if (before === undefined) return { run: {} }
  return {
    run: params === 'recorded' ? { params: before.params } : {},
    ...(graph === 'recorded' ? { graph: before.graph } : {}),
  }
}
