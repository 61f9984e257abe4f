import { readFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import type { ReplayWorkerOptions } from '@temporalio/worker'
import { bundleWorkflowCode, ReplayError, Runtime, Worker } from '@temporalio/worker'
import type { NamedHistory } from '../platform/history-json.ts'
import { parseHistory } from '../platform/history-json.ts'
import type { Replayed } from '../platform/replayed.ts'
import type { Decision } from './decision.ts'
import { firstDifference } from './first-difference.ts'
import { recordedDecisions } from './recorded-decisions.ts'

const recorderPath = join(import.meta.dirname, 'decision-recorder.ts')

interface Replaying {
  readonly file: string
  readonly history: NamedHistory
  /** What today's code has decided so far. */
  readonly made: Decision[]
}

/** Runs the history in each file through today's workflows, without any server, one after the other. */
export async function* replayHistories(
  files: readonly string[],
  workflowsPath: string,
): AsyncGenerator<Replayed> {
  const unreadable: Replayed[] = []
  let current: Replaying | undefined

  async function* histories() {
    for (const file of files) {
      try {
        const name = basename(file, extname(file))
        const history = parseHistory(await readFile(file, 'utf8'), name)
        current = { file, history, made: [] }
        yield history
      } catch (error) {
        unreadable.push({ file, outcome: 'unreadable', problem: inWords(error) })
      }
    }
  }

  const record = (made: Decision[]) => current?.made.push(...made)
  const options = await replayOptions(workflowsPath, record)
  for await (const { error } of Worker.runReplayHistories(options, histories())) {
    yield* unreadable.splice(0)
    if (current !== undefined) yield judge(current, error)
  }
  yield* unreadable
}

async function replayOptions(
  workflowsPath: string,
  record: (made: Decision[]) => void,
): Promise<ReplayWorkerOptions> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: [recorderPath],
    logger: Runtime.instance().logger,
  })
  const fn = (_: unknown, made: Decision[]) => record(made)
  return { workflowBundle, sinks: { decisions: { record: { fn, callDuringReplay: true } } } }
}

function judge({ file, history, made }: Replaying, error: Error | undefined): Replayed {
  const { workflowId } = history
  const recorded = recordedDecisions(history.history)
  if (error === undefined) return { file, workflowId, outcome: 'fits', decisions: recorded.length }
  // Code that breaks in a replay has decided nothing that could be compared.
  const compared = error instanceof ReplayError ? undefined : firstDifference(recorded, made)
  const difference = compared ?? inWords(error)
  return { file, workflowId, outcome: 'differs', difference }
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
