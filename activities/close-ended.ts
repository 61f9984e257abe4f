import type { Client } from '@temporalio/client'
import { endWithoutAWord } from '../platform/ended-run.ts'
import type { Servers } from '../platform/read-ledger.ts'
import { askTemporal } from '../platform/read-ledger.ts'

export type CloseEndedActivities = ReturnType<typeof createCloseEndedActivities>

export function createCloseEndedActivities({ database, client }: Servers) {
  return {
    /**
     * Writes the end of runs that Temporal ended without a word: terminated, or out of time. One that
     * was reset goes on under another id, and so does its row; one that this server does not know may
     * go on elsewhere. Returns the run ids.
     */
    async closeEndedRuns(): Promise<string[]> {
      const { rows } = await database.query<{ run_id: string; run_key: string }>(
        `select run_id, run_key from audit.pipeline_runs
         where state in ('queued', 'running') order by started_at, run_id`,
      )
      const closed: string[] = []
      const going = rows.length === 0 ? new Set() : await openWorkflowIds(client)
      for (const { run_id: runId, run_key: runKey } of rows) {
        if (going.has(runKey)) continue
        const { closedAs } = await askTemporal(client, runKey, [runId])
        // One may have written its end meanwhile.
        if (closedAs !== null && (await endWithoutAWord(database, [runId])) > 0) closed.push(runId)
      }
      return closed
    },
  }
}

/** As the visibility store knows them: what it misses is asked for one by one. */
async function openWorkflowIds(client: Client): Promise<Set<string>> {
  const ids = new Set<string>()
  const query = `ExecutionStatus = 'Running'`
  for await (const { workflowId } of client.workflow.list({ query })) ids.add(workflowId)
  return ids
}
