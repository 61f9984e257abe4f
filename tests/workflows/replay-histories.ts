import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Client, HistoryAndWorkflowId } from '@temporalio/client'
import { Worker } from '@temporalio/worker'
import { prepareWorkflowBundle } from '../../worker/workflow-bundle.ts'
import { sampleCacheDir } from './sample-dags/start-sample-worker.ts'

const historiesDir = join(import.meta.dirname, '..', 'histories')

/** Set to record the histories that tests/histories keeps: after a new kind of run, never to mend one. */
export const isRecording = process.env['RECORD_HISTORIES'] !== undefined

/** Keeps the history of a finished execution as `tests/histories/<folder>/<name>.json`. */
export async function recordHistory(
  client: Client,
  workflowId: string,
  { folder, name }: { folder: string; name: string },
): Promise<void> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory()
  const recorded = { workflowId, history: plainValue(history) }
  await mkdir(join(historiesDir, folder), { recursive: true })
  await writeFile(join(historiesDir, folder, `${name}.json`), `${JSON.stringify(recorded)}\n`)
}

/**
 * A decoded message as JSON: long integers as numbers, bytes as base64. The SDK's own conversion fails
 * where npm has installed protobufjs twice. Host names and paths of the machine stay out.
 */
function plainValue(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(hostname(), 'worker')
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(plainValue)
  if ('toNumber' in value && typeof value.toNumber === 'function') return value.toNumber()
  const fields = Object.entries(value).filter(
    ([key, field]) => field !== null && key !== 'stackTrace',
  )
  return Object.fromEntries(fields.map(([key, field]) => [key, plainValue(field)]))
}

function reviveBytes(_: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'base64' in value
  return isBytes ? Buffer.from(String(value.base64), 'base64') : value
}

/** The histories kept in a folder. */
export function recordedHistories(folder: string): HistoryAndWorkflowId[] {
  const path = join(historiesDir, folder)
  if (!existsSync(path)) return []
  const files = readdirSync(path).filter((file) => file.endsWith('.json'))
  return files.sort().map((file) => {
    return JSON.parse(readFileSync(join(path, file), 'utf8'), reviveBytes)
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
