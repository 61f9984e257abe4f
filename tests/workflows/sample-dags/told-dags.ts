import { activityRefs, defineDag } from '../../../dag/define-dag.ts'
import type { SampleActivities } from './sample-activities.ts'

const act = activityRefs<SampleActivities>()
const daily = {
  schedule: null,
  startDate: '2025-01-01',
  catchup: false,
  maxActiveRuns: 16,
} as const

export const sampleCallbacks = defineDag(
  { id: 'sample_callbacks', ...daily, onFailure: act.tellFailure, onSuccess: act.tellSuccess },
  ({ task, date }) => {
    const told = { onSuccess: act.tellTask, onFailure: act.tellTask, onSkipped: act.tellTask }
    const slow = task('slow', act.hold, { date }, told)
    task('last', act.count, { date }, { ...told, after: [slow] })
    task('quick', act.count, { date }, told)
    const idle = task('idle', act.skipItself, { date }, told)
    task('after_idle', act.count, { date }, { ...told, after: [idle] })
  },
)

export const sampleBadCallbacks = defineDag(
  { id: 'sample_bad_callbacks', ...daily, onSuccess: act.tellBadly },
  ({ task, date }) => {
    const one = task('one', act.count, { date }, { onSuccess: act.tellBadly })
    task('two', act.count, { date }, { after: [one] })
  },
)

export const sampleSlowCallback = defineDag(
  { id: 'sample_slow_callback', ...daily },
  ({ task, date }) => {
    const one = task('one', act.count, { date }, { onSuccess: act.tellTaskSlowly })
    task('two', act.count, { date }, { after: [one] })
  },
)

export const sampleGroups = defineDag({ id: 'sample_groups', ...daily }, (build) => {
  const { task, group, date } = build
  const first = task('first', act.count, { date })
  const orders = group(
    'orders',
    (inOrders) => {
      const items = inOrders.task('items', act.listItems, { date, count: 2 })
      const each = inOrders.map('each', act.workOnItem, items.output, (item) => ({
        ...{ date, no: item.no, fails: item.fails },
      }))
      return { sum: inOrders.task('sum', act.sum, { date, numbers: each.output }) }
    },
    { after: [first] },
  )
  task('last', act.count, { date, from: orders.made.sum.output }, { after: [orders] })
})

export const toldDags = [sampleGroups, sampleCallbacks, sampleBadCallbacks, sampleSlowCallback]
