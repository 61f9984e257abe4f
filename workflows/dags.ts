import { checkDags } from '../dag/check-dags.ts'
import { ecommerceDaily } from './ecommerce-daily.ts'
import { onlineRetailDaily } from './online-retail-daily.ts'

/** Every DAG: what the schedules, backfills and datasets know. */
export const dags = checkDags([ecommerceDaily, onlineRetailDaily])
