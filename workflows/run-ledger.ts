import { proxyLocalActivities } from '@temporalio/workflow'
import type { RunActivities } from '../activities/runs.ts'
import type { InTurn } from '../dag/run-loop/local-queue.ts'

const local = proxyLocalActivities<RunActivities>({ startToCloseTimeout: '30 seconds' })

/** What a run writes about itself. */
export type Ledger = Pick<
  RunActivities,
  'startRun' | 'beginTurn' | 'recordIntervention' | 'closeRun'
>

export function openLedger(inTurn: InTurn): Ledger {
  return {
    startRun: inTurn(local.startRun),
    beginTurn: inTurn(local.beginTurn),
    recordIntervention: inTurn(local.recordIntervention),
    closeRun: inTurn(local.closeRun),
  }
}
