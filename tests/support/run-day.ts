import { startRun } from '../../schedules/start-run.ts'
import type { RunResult } from '../../workflows/run-dag.ts'
import type { DaybookWorker } from './daybook-worker.ts'

export interface DagRunFailure {
  cause: { type: string; message: string }
}

/** Runs a day by the same door as the CLI; resolves or rejects as the run ends. */
export async function runDay(
  daybook: DaybookWorker,
  dagId: string,
  date: string,
): Promise<RunResult> {
  const { client, taskQueue } = daybook.temporal
  const handle = await startRun(client, { dagId, date, taskQueue })
  return await handle.result()
}
