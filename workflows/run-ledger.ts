import { proxyLocalActivities } from '@temporalio/workflow'
import type { DatasetActivities } from '../activities/datasets.ts'
import type { RunActivities } from '../activities/runs.ts'
import type { InTurn } from '../dag/run-loop/local-queue.ts'
import { localOptions } from '../dag/run-loop/local-options.ts'

const local = proxyLocalActivities<RunActivities & DatasetActivities>(localOptions)

/** What a run writes about itself. */
export type Ledger = Pick<
  RunActivities & DatasetActivities,
  'startRun' | 'beginTurn' | 'recordDatasetEvents' | 'recordIntervention' | 'closeRun'
>

export function openLedger(inTurn: InTurn): Ledger {
  return {
    startRun: inTurn(local.startRun),
    beginTurn: inTurn(local.beginTurn),
    recordDatasetEvents: inTurn(local.recordDatasetEvents),
    recordIntervention: inTurn(local.recordIntervention),
    closeRun: inTurn(local.closeRun),
  }
}
