import { backfillWorkflow } from './backfill.ts'
import { catchUpWorkflow } from './catch-up.ts'
import { dags } from './dags.ts'
import { ecommerceDaily } from './ecommerce-daily.ts'
import { onlineRetailDaily } from './online-retail-daily.ts'
import { dagWorkflow } from './run-dag.ts'

// The names are the workflow types: stored in histories, so add, never rename.
export const ecommerce_daily = dagWorkflow(ecommerceDaily)
export const online_retail_daily = dagWorkflow(onlineRetailDaily)
export const catch_up = catchUpWorkflow(dags)
export const daybook_backfill = backfillWorkflow(dags)
export { daybook_map_page } from './map-page.ts'
export { start_consumers } from './start-consumers.ts'
export { deliver_mail } from './deliver-mail.ts'
