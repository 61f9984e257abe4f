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

export const sampleTeardown = defineDag({ id: 'sample_teardown', ...daily }, (build) => {
  const { task, setup, teardown, date } = build
  const create = setup('create', act.count, { date })
  const work = task('work', act.count, { date, from: create.output.rowsOut })
  const report = task('report', act.count, { date }, { after: [work] })
  teardown('destroy', act.count, { date }, { setups: [create], after: [report] })
})

export const sampleCancel = defineDag({ id: 'sample_cancel', ...daily }, (build) => {
  const { task, setup, teardown, date } = build
  const create = setup('create', act.count, { date })
  const work = task('work', act.hold, { date }, { after: [create] })
  teardown('destroy', act.count, { date }, { setups: [create], after: [work] })
})

export const sampleRepair = defineDag({ id: 'sample_repair', ...daily }, ({ task, date }) => {
  const load = task('load', act.count, { date })
  const sum = task('sum', act.count, { date, from: load.output.rowsOut })
  task('report', act.count, { date, from: sum.output.rowsOut })
  task('log', act.count, { date }, { after: [load] })
})

/** Something is read after the task that can be held, and something by nobody. */
export const sampleCut = defineDag({ id: 'sample_cut', ...daily }, ({ task, date }) => {
  const load = task('load', act.count, { date })
  const log = task('log', act.count, { date })
  const gate = task('gate', act.hold, { date }, { after: [load, log] })
  task('sum', act.count, { date, from: load.output.rowsOut }, { after: [gate] })
})

export const sampleAsItWas = defineDag(
  { id: 'sample_as_it_was', ...daily, rerunWithLatestVersion: false },
  ({ task, date }) => {
    task('load', act.count, { date })
    task('log', act.count, { date })
  },
)

export const samplePatched = defineDag(
  {
    ...{ id: 'sample_patched', ...daily },
    params: z.object({ name: z.string().default('world'), times: z.int().max(3).default(1) }),
  },
  ({ task, date, params }) => {
    const gate = task('gate', act.hold, { date })
    task('greet', act.greet, { date, name: params.name, times: params.times }, { after: [gate] })
  },
)

export const sampleShapes = defineDag({ id: 'sample_shapes', ...daily }, (build) => {
  const { task, sensor, shortCircuit, latestOnly, date } = build
  const file = sensor(
    'wait_for_file',
    act.isThere,
    { date },
    { pokeInterval: '0.05 seconds', waitAtMost: '1 minute' },
  )
  const gate = shortCircuit('is_open', act.isOpen, { date }, { after: [file] })
  const load = task('load', act.count, { date, from: file.output.rowsOut }, { after: [gate] })
  task('after_load', act.count, { date }, { after: [load], rule: 'all_done' })
  const latest = latestOnly('latest', { after: [file] })
  task('mail', act.count, { date }, { after: [latest] })
  const maybe = task('maybe', act.skipItself, { date })
  task('after_maybe', act.count, { date }, { after: [maybe] })
})

export const sampleImpatient = defineDag({ id: 'sample_impatient', ...daily }, (build) => {
  const { sensor, task, date } = build
  const options = { pokeInterval: '0.05 seconds', waitAtMost: '0.3 seconds' } as const
  sensor('strict', act.isThere, { date }, options)
  const soft = sensor('soft', act.isThere, { date }, { ...options, onTimeout: 'skip' })
  task('after_soft', act.count, { date }, { after: [soft] })
})

export const sampleApproval = defineDag({ id: 'sample_approval', ...daily }, (build) => {
  const { task, approval, date } = build
  const sign = approval('sign')
  task('pay', act.count, { date }, { after: [sign] })
  const late = approval('late', { waitAtMost: '0.2 seconds', onTimeout: 'skip' })
  task('after_late', act.count, { date }, { after: [late] })
})

export const sampleFailFast = defineDag(
  { id: 'sample_fail_fast', ...daily, failFast: true },
  ({ task, date }) => {
    const bad = task('bad', act.failForGood, { date })
    task('slow', act.hold, { date })
    task('after', act.count, { date }, { after: [bad] })
  },
)

export const sampleSlow = defineDag(
  { id: 'sample_slow', ...daily, runTimeout: '0.5 seconds' },
  ({ task, date }) => {
    const slow = task('slow', act.hold, { date })
    task('after', act.count, { date }, { after: [slow] })
  },
)

export const sampleNarrow = defineDag(
  { id: 'sample_narrow', ...daily, maxActiveTasks: 1 },
  ({ task, date }) => {
    task('one', act.hold, { date })
    task('two', act.count, { date })
  },
)

export const samplePool = defineDag({ id: 'sample_pool', ...daily }, ({ task, date }) => {
  task('scarce', act.hold, { date }, { pool: 'sample_scarce', poolSlots: 1 })
})

export const samplePast = defineDag({ id: 'sample_past', ...daily }, ({ task, date }) => {
  const load = task('load', act.count, { date }, { dependsOnPast: true })
  task('after', act.count, { date }, { after: [load] })
})

export const sampleMany = defineDag({ id: 'sample_many', ...daily }, ({ task, date }) => {
  for (const pair of ['1', '2', '3', '4', '5', '6']) {
    const first = task(`a${pair}`, act.nap, { date }, { pool: 'sample_few', retries: 5 })
    task(`b${pair}`, act.nap, { date }, { pool: 'sample_few', retries: 5, after: [first] })
  }
})

export const sampleSingle = defineDag(
  { id: 'sample_single', ...daily, maxActiveRuns: 1 },
  ({ task, date }) => {
    task('hold', act.hold, { date })
  },
)

export const sampleLate = defineDag(
  {
    ...{ id: 'sample_late', ...daily, schedule: null },
    deadline: { after: '1 second', warnBefore: '0.7 seconds', notify: act.tellDeadline },
  },
  ({ task, date }) => {
    task('quick', act.count, { date })
    const slow = task('slow', act.hold, { date })
    task('after', act.count, { date }, { after: [slow] })
  },
)

export const sampleInTime = defineDag(
  {
    ...{ id: 'sample_in_time', ...daily, schedule: null },
    deadline: { after: '2 hours', warnBefore: '1 hour', notify: act.tellDeadline },
  },
  ({ task, date }) => {
    task('quick', act.count, { date })
  },
)

export const sampleMapped = defineDag(
  { id: 'sample_mapped', ...daily, params: z.object({ count: z.int() }) },
  ({ task, map, date, params }) => {
    const items = task('items', act.listItems, { date, count: params.count })
    const each = map(
      'each',
      act.workOnItem,
      items.output,
      (item) => ({ date, no: item.no, fails: item.fails }),
      // A worker that is replaced takes attempts with it.
      { retries: 3, retryDelay: '0.1 seconds', heartbeatTimeout: '5 seconds' },
    )
    task('sum', act.sum, { date, numbers: each.output })
    task('any', act.count, { date }, { after: [each], rule: 'one_success' })
    task('alarm', act.count, { date }, { after: [each], rule: 'one_failed' })
  },
)

export const shapeDags = [
  ...[sampleCut, sampleAsItWas, samplePatched],
  ...[sampleMapped, sampleMany, sampleLate, sampleInTime],
  ...[sampleTeardown, sampleCancel, sampleRepair, sampleShapes, sampleImpatient, sampleApproval],
  ...[sampleFailFast, sampleSlow, sampleNarrow, samplePool, samplePast, sampleSingle],
]
