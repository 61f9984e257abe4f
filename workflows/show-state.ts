import { upsertSearchAttributes } from '@temporalio/workflow'
import type { OpenRun } from './run-dag.ts'

/** In the search attributes, where the server knows them. */
export function showState(run: OpenRun, state: string): void {
  if (!run.hasSearchAttributes) return
  upsertSearchAttributes({
    DaybookDag: [run.graph.dagId],
    DaybookDate: [run.date],
    DaybookState: [state],
    DaybookTrigger: [run.trigger],
  })
}
