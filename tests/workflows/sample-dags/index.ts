import { backfillWorkflow } from '../../../workflows/backfill.ts'
import { dagWorkflow } from '../../../workflows/run-dag.ts'
import * as dags from './sample-dags.ts'

export const sample_chain = dagWorkflow(dags.sampleChain)
export const sample_branch = dagWorkflow(dags.sampleBranch)
export const sample_failing = dagWorkflow(dags.sampleFailing)
export const sample_cleanup = dagWorkflow(dags.sampleCleanup)
export const sample_retry = dagWorkflow(dags.sampleRetry)
export const sample_exhausted = dagWorkflow(dags.sampleExhausted)
export const sample_gate = dagWorkflow(dags.sampleGate)
export const sample_params = dagWorkflow(dags.sampleParams)
export const daybook_backfill = backfillWorkflow(dags.sampleDags)
