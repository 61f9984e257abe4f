import { Context } from '@temporalio/activity'
import type { Client } from '@temporalio/client'

interface Range {
  readonly workflowId: string
  readonly from: string
  readonly to: string
}

/**
 * Days of a DAG that a backfill which began earlier and still goes on has in its range, and its
 * workflow id. Of two that began at once the one with the lower id counts as the earlier.
 */
export async function datesHeldByOthers(
  client: Client,
  dagId: string,
  dates: readonly string[],
): Promise<Map<string, string>> {
  const earlier = await earlierBackfills(client, dagId)
  const holderOf = (date: string) => earlier.find(({ from, to }) => from <= date && date <= to)
  return new Map(
    dates.flatMap((date) => {
      const holder = holderOf(date)
      return holder === undefined ? [] : [[date, holder.workflowId] as const]
    }),
  )
}

async function earlierBackfills(client: Client, dagId: string): Promise<Range[]> {
  const own = Context.current().info.workflowExecution
  const { startTime } = await client.workflow
    .getHandle(own?.workflowId ?? '', own?.runId)
    .describe()
  return (await runningBackfills(client, dagId)).filter((other) => {
    const isEarlier =
      other.startTime < startTime ||
      (other.startTime.getTime() === startTime.getTime() &&
        other.workflowId < (own?.workflowId ?? ''))
    return other.workflowId !== own?.workflowId && isEarlier
  })
}

/** The backfills of a DAG that go on, whoever started them. */
export async function runningBackfills(
  client: Client,
  dagId: string,
): Promise<(Range & { startTime: Date })[]> {
  const query = `WorkflowType = 'daybook_backfill' AND ExecutionStatus = 'Running'`
  const found: (Range & { startTime: Date })[] = []
  for await (const { workflowId, startTime } of client.workflow.list({ query })) {
    const range = rangeIn(workflowId, dagId)
    if (range !== undefined) found.push({ ...range, startTime })
  }
  return found
}

/** Backfills that Daybook starts have their range in the id; of others it is not known. */
function rangeIn(workflowId: string, dagId: string): Range | undefined {
  const [kind, dag, from, to] = workflowId.split('/')
  if (kind !== 'backfill' || dag !== dagId || from === undefined || to === undefined)
    return undefined
  return { workflowId, from, to }
}
