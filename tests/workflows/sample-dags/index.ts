import { backfillWorkflow } from '../../../workflows/backfill.ts'
import { catchUpWorkflow } from '../../../workflows/catch-up.ts'
import { dagWorkflow } from '../../../workflows/run-dag.ts'
import * as datasets from './dataset-dags.ts'
import * as late from './deadline-dags.ts'
import * as limits from './limit-dags.ts'
import * as maps from './map-dags.ts'
import * as dags from './sample-dags.ts'
import * as shapes from './shape-dags.ts'
import * as told from './told-dags.ts'
import * as times from './time-dags.ts'

export { daybook_map_page } from '../../../workflows/map-page.ts'
export const sample_chain = dagWorkflow(dags.sampleChain)
export const sample_branch = dagWorkflow(dags.sampleBranch)
export const sample_failing = dagWorkflow(dags.sampleFailing)
export const sample_cleanup = dagWorkflow(dags.sampleCleanup)
export const sample_retry = dagWorkflow(dags.sampleRetry)
export const sample_backoff = dagWorkflow(dags.sampleBackoff)
export const sample_exhausted = dagWorkflow(dags.sampleExhausted)
export const sample_told = dagWorkflow(dags.sampleTold)
export const sample_gate = dagWorkflow(dags.sampleGate)
export const sample_params = dagWorkflow(dags.sampleParams)
export const sample_teardown = dagWorkflow(shapes.sampleTeardown)
export const sample_cancel = dagWorkflow(shapes.sampleCancel)
export const sample_repair = dagWorkflow(shapes.sampleRepair)
export const sample_shapes = dagWorkflow(shapes.sampleShapes)
export const sample_impatient = dagWorkflow(shapes.sampleImpatient)
export const sample_approval = dagWorkflow(shapes.sampleApproval)
export const sample_fail_fast = dagWorkflow(shapes.sampleFailFast)
export const sample_slow = dagWorkflow(shapes.sampleSlow)
export const sample_narrow = dagWorkflow(shapes.sampleNarrow)
export const sample_pool = dagWorkflow(shapes.samplePool)
export const sample_past = dagWorkflow(shapes.samplePast)
export const sample_single = dagWorkflow(shapes.sampleSingle)
export const sample_mapped = dagWorkflow(shapes.sampleMapped)
export const sample_late = dagWorkflow(shapes.sampleLate)
export const sample_in_time = dagWorkflow(shapes.sampleInTime)
export const sample_cut = dagWorkflow(shapes.sampleCut)
export const sample_as_it_was = dagWorkflow(shapes.sampleAsItWas)
export const sample_patched = dagWorkflow(shapes.samplePatched)
export const sample_many = dagWorkflow(shapes.sampleMany)
export const sample_orders = dagWorkflow(datasets.sampleOrders)
export const sample_products = dagWorkflow(datasets.sampleProducts)
export const sample_report = dagWorkflow(datasets.sampleReport)
export const sample_stock = dagWorkflow(datasets.sampleStock)
export const sample_weekly = dagWorkflow(datasets.sampleWeekly)
export const sample_caller = dagWorkflow(datasets.sampleCaller)
export const sample_calls_failing = dagWorkflow(datasets.sampleCallsFailing)
export const sample_calls_gate = dagWorkflow(datasets.sampleCallsGate)
export const sample_calls_done = dagWorkflow(datasets.sampleCallsDone)
export { start_consumers } from '../../../workflows/start-consumers.ts'
export const sample_callbacks = dagWorkflow(told.sampleCallbacks)
export const sample_bad_callbacks = dagWorkflow(told.sampleBadCallbacks)
export const sample_slow_callback = dagWorkflow(told.sampleSlowCallback)
export const sample_deadline_queued = dagWorkflow(late.sampleDeadlineQueued)
export const sample_deadline_average = dagWorkflow(late.sampleDeadlineAverage)
export const sample_deadline_fixed = dagWorkflow(late.sampleDeadlineFixed)
export const sample_deadline_past = dagWorkflow(late.sampleDeadlinePast)
export const sample_deadline_asked = dagWorkflow(late.sampleDeadlineAsked)
export const sample_deadline_repair = dagWorkflow(late.sampleDeadlineRepair)
export const sample_groups = dagWorkflow(told.sampleGroups)
export const sample_yield = dagWorkflow(limits.sampleYield)
export const sample_taker = dagWorkflow(limits.sampleTaker)
export const sample_looker = dagWorkflow(limits.sampleLooker)
export const sample_parts = dagWorkflow(maps.sampleParts)
export const sample_parts_held = dagWorkflow(maps.samplePartsHeld)
export const sample_wide = dagWorkflow(maps.sampleWide)
export const sample_crossed = dagWorkflow(maps.sampleCrossed)
export const sample_mapped_pool = dagWorkflow(limits.sampleMappedPool)
export const sample_mapped_narrow = dagWorkflow(limits.sampleMappedNarrow)
export const sample_mapped_wide = dagWorkflow(limits.sampleMappedWide)
export const sample_mapped_tis = dagWorkflow(limits.sampleMappedTis)
export const sample_tis = dagWorkflow(limits.sampleTis)
export const sample_past_skip = dagWorkflow(limits.samplePastSkip)
export const sample_past_gate = dagWorkflow(limits.samplePastGate)
export const sample_past_single = dagWorkflow(limits.samplePastSingle)
export const sample_past_held = dagWorkflow(limits.samplePastHeld)
export const sample_new_york = dagWorkflow(times.sampleNewYork)
export const sample_overlap = dagWorkflow(times.sampleOverlap)
export const sample_catch_up = dagWorkflow(times.sampleCatchUp)
export const sample_newest = dagWorkflow(times.sampleNewest)
export const sample_fresh = dagWorkflow(times.sampleFresh)
export const sample_ordered = dagWorkflow(times.sampleOrdered)
export const sample_paused = dagWorkflow(times.samplePaused)
export const sample_restricted = dagWorkflow(times.sampleRestricted)
export const catch_up = catchUpWorkflow(times.timeDags)
const all = [
  ...[...dags.sampleDags, ...shapes.shapeDags, ...told.toldDags],
  ...[...limits.limitDags, ...times.timeDags],
]
export const daybook_backfill = backfillWorkflow(all)
/** Continues as a new execution every few days. */
export const sample_short_backfill = backfillWorkflow(all, 200)
