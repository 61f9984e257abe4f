import { setCurrentDetails, workflowInfo } from '@temporalio/workflow'
import { placeOf } from '../dag/place-of-run.ts'
import type { Execution } from './run-dag.ts'
import { showState } from './show-state.ts'

/** No more runs of a DAG are active than it allows, whoever started them; the oldest date goes first. */
export async function waitForTurn(execution: Execution): Promise<void> {
  const { run, slots, ledger, questions, interventions } = execution
  const { maxActiveRuns, date, graph } = run
  if (!run.isQueued || maxActiveRuns === null) return
  const { runId, workflowId } = workflowInfo()
  const { pool: name, ...place } = placeOf({
    ...{ runId, workflowId, dagId: graph.dagId, date, maxActiveRuns },
  })
  const words = `the run waits: max_active_runs of ${graph.dagId} is ${maxActiveRuns}`
  setCurrentDetails(words)
  questions.answerWith(words)
  interventions.refuse(`${words}, and none of its tasks has begun`)
  showState(run, 'queued')
  await slots.acquire({ ...place, name }, () => undefined)
  await ledger.beginTurn({ runId })
}
