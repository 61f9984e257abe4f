import { vi } from 'vitest'
import type { RunHandle } from '../../schedules/start-run.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { CliResult } from '../support/run-cli.ts'
import { runCli } from '../support/run-cli.ts'
import { startSampleWorker } from '../workflows/sample-dags/start-sample-worker.ts'

export const soon = { timeout: 20_000, interval: 20 }

/** The sample DAGs on real servers, and the command line that looks at them. */
export async function startSampleRuns() {
  const sample = await startSampleWorker()
  const { client, taskQueue, address, namespace } = sample.temporal

  const daybook = (...args: string[]): Promise<CliResult> => daybookWith({}, ...args)

  const daybookWith = (
    settings: Readonly<Record<string, string>>,
    ...args: string[]
  ): Promise<CliResult> =>
    runCli(args, {
      ...{ DATABASE_URL: sample.database.url, TEMPORAL_ADDRESS: address },
      ...{ TEMPORAL_NAMESPACE: namespace, TEMPORAL_TASK_QUEUE: taskQueue },
      ...settings,
    })

  const start = (dagId: string, date: string, params?: unknown): Promise<RunHandle> =>
    startRun(client, { dagId, date, taskQueue, params })

  const callsOf = (date: string): string[] =>
    sample.calls.filter((call) => call.startsWith(date)).map((call) => call.slice(11))

  const isHeld = (date: string) => vi.waitUntil(() => sample.gates.has(date), soon)

  async function runsOf(runKey: string) {
    const { rows } = await sample.database.db.query<Record<string, unknown>>(
      `select state, params, outputs, cleared_from is not null as is_repair
       from audit.pipeline_runs where run_key = $1 order by started_at`,
      [runKey],
    )
    return rows
  }

  return { ...sample, daybook, daybookWith, start, callsOf, isHeld, runsOf }
}

export type SampleRuns = Awaited<ReturnType<typeof startSampleRuns>>
