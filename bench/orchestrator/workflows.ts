import { backfillWorkflow } from '../../workflows/backfill.ts'
import { ecommerceDaily } from '../../workflows/ecommerce-daily.ts'
import { dagWorkflow } from '../../workflows/run-dag.ts'
import * as dags from './dags.ts'

export { bare_backfill, bare_chain, bare_daily, bare_day, bare_fan_out } from './bare-workflows.ts'

export const bench_chain = dagWorkflow(dags.benchChain)
export const bench_fan_out = dagWorkflow(dags.benchFanOut)
export const bench_short = dagWorkflow(dags.benchShort)
export const bench_day = dagWorkflow(dags.benchDay)
export const ecommerce_daily = dagWorkflow(ecommerceDaily)
export const daybook_backfill = backfillWorkflow([dags.benchDay])

// The audit interceptor looks for runs whose id begins with their workflow type: under other types
// the same runs go by without it, which tells what it costs.
export const unaudited_chain = dagWorkflow(dags.benchChain)
export const unaudited_fan_out = dagWorkflow(dags.benchFanOut)
export const unaudited_daily = dagWorkflow(ecommerceDaily)
