import type { Dag } from '../dag/define-dag.ts'
import { ecommerceDaily } from './ecommerce-daily.ts'
import { onlineRetailDaily } from './online-retail-daily.ts'

/** Every DAG: what the schedules and backfills know. */
export const dags: readonly Dag[] = [ecommerceDaily, onlineRetailDaily]
