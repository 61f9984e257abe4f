import { z } from 'zod'
import { activityRefs, defineDag } from '../../../dag/define-dag.ts'
import type { SampleActivities } from './sample-activities.ts'

const act = activityRefs<SampleActivities>()
const daily = {
  schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
  startDate: '2025-01-01',
  catchup: true,
  maxActiveRuns: 16,
} as const

/** Fails once, and waits for its second try as long as its slot is taken. */
export const sampleYield = defineDag({ id: 'sample_yield', ...daily }, ({ task, date }) => {
  task('flaky', act.failOnce, { date }, { pool: 'yield', retries: 1, retryDelay: '1 second' })
})

export const sampleTaker = defineDag({ id: 'sample_taker', ...daily }, ({ task, date }) => {
  task('take', act.hold, { date }, { pool: 'yield' })
})

export const sampleLooker = defineDag({ id: 'sample_looker', ...daily }, ({ sensor, date }) => {
  const often = { pokeInterval: '0.05 seconds', waitAtMost: '1 minute' } as const
  sensor('look', act.isThere, { date }, { ...often, pool: 'yield' })
})

const counted = { ...daily, params: z.object({ count: z.int() }) }

export const sampleMappedPool = defineDag(
  { id: 'sample_mapped_pool', ...counted },
  ({ task, map, date, params }) => {
    const items = task('items', act.listItems, { date, count: params.count })
    map('each', act.napOnItem, items.output, (item) => ({ date, no: item.no }), {
      pool: 'mapped',
      retries: 3,
      retryDelay: '0.1 seconds',
    })
  },
)

export const sampleMappedNarrow = defineDag(
  { id: 'sample_mapped_narrow', ...counted, maxActiveTasks: 3 },
  ({ task, map, date, params }) => {
    const items = task('items', act.listItems, { date, count: params.count })
    map('each', act.napOnItem, items.output, (item) => ({ date, no: item.no }))
    map('other', act.napOnItem, items.output, (item) => ({ date, no: item.no }))
  },
)

export const sampleMappedWide = defineDag(
  { id: 'sample_mapped_wide', ...counted, maxActiveTasks: 20 },
  ({ task, map, date, params }) => {
    const items = task('items', act.listItems, { date, count: params.count })
    map('each', act.napOnItem, items.output, (item) => ({ date, no: item.no }))
    task('beside', act.count, { date }, { after: [items] })
  },
)

export const sampleMappedTis = defineDag(
  { id: 'sample_mapped_tis', ...counted },
  ({ task, map, date, params }) => {
    const items = task('items', act.listItems, { date, count: params.count })
    const tight = { pool: 'tight', poolSlots: 2 }
    const limits = { maxActiveTisPerDag: 3, maxActiveTisPerDagrun: 2, ...tight }
    map('each', act.napOnItem, items.output, (item) => ({ date, no: item.no }), limits)
  },
)

export const sampleTis = defineDag({ id: 'sample_tis', ...daily }, (build) => {
  const often = { pokeInterval: '0.05 seconds', waitAtMost: '1 minute' } as const
  build.sensor('look', act.isThere, { date: build.date }, { ...often, maxActiveTisPerDag: 1 })
  build.approval('sign', { maxActiveTisPerDag: 1 })
})

export const samplePastSkip = defineDag({ id: 'sample_past_skip', ...daily }, (build) => {
  const { task, date } = build
  task('maybe', act.skipItself, { date }, { dependsOnPast: true })
  task('gate', act.hold, { date })
})

export const samplePastGate = defineDag({ id: 'sample_past_gate', ...daily }, (build) => {
  const { task, date } = build
  const load = task('load', act.count, { date }, { dependsOnPast: true })
  task('gate', act.hold, { date }, { after: [load] })
})

export const samplePastSingle = defineDag(
  { id: 'sample_past_single', ...daily, maxActiveRuns: 1 },
  ({ task, date }) => {
    task('load', act.count, { date }, { dependsOnPast: true })
  },
)

export const samplePastHeld = defineDag({ id: 'sample_past_held', ...daily }, (build) => {
  const { task, shortCircuit, date } = build
  const isOpen = shortCircuit('is_open', act.isOpen, { date })
  const held = { dependsOnPast: true, waitForPastDependsBeforeSkipping: true } as const
  const load = task('load', act.count, { date }, { ...held, after: [isOpen] })
  task('report', act.count, { date }, { after: [load] })
})

export const limitDags = [
  ...[sampleYield, sampleTaker, sampleLooker, sampleMappedPool, sampleMappedNarrow],
  ...[sampleMappedWide, sampleMappedTis, sampleTis, samplePastSkip, samplePastGate, samplePastHeld],
  samplePastSingle,
]
