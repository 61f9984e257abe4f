import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client, HistoryAndWorkflowId } from '@temporalio/client'
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { Worker } from '@temporalio/worker'
import { prepareWorkflowBundle } from '../../worker/workflow-bundle.ts'
import { sampleCacheDir } from './sample-dags/start-sample-worker.ts'

const historiesDir = join(import.meta.dirname, '..', 'histories')

/** Keeps the history of a finished execution as `tests/histories/<folder>/<name>.json`. */
export async function recordHistory(
  client: Client,
  workflowId: string,
  { folder, name }: { folder: string; name: string },
): Promise<void> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory()
  await mkdir(join(historiesDir, folder), { recursive: true })
  const text = `{"workflowId":${JSON.stringify(workflowId)},"history":${historyToJSON(history)}}\n`
  await writeFile(join(historiesDir, folder, `${name}.json`), text)
}

/** Histories kept in a folder, by name. */
export function recordedHistories(
  folder: string,
): { name: string; recorded: HistoryAndWorkflowId }[] {
  if (!existsSync(join(historiesDir, folder))) return []
  return readdirSync(join(historiesDir, folder))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const { workflowId, history } = JSON.parse(
        readFileSync(join(historiesDir, folder, file), 'utf8'),
      )
      return { name: file, recorded: { workflowId, history: historyFromJSON(history) } }
    })
}

/** Runs histories through today's code; returns the error of each that does not fit, by workflow id. */
export async function replay(
  workflowsPath: string,
  histories: HistoryAndWorkflowId[],
): Promise<Record<string, string>> {
  const codePath = await prepareWorkflowBundle({ workflowsPath, cacheDir: sampleCacheDir })
  const errors: Record<string, string> = {}
  const options = { workflowBundle: { codePath } }
  for await (const result of Worker.runReplayHistories(options, histories)) {
    if (result.error) errors[result.workflowId] = result.error.message
  }
  return errors
}
