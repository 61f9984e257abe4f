import { all, any, dataset, weekOf } from '../../../dag/datasets.ts'
import { activityRefs, defineDag } from '../../../dag/define-dag.ts'
import type { SampleActivities } from './sample-activities.ts'
import { sampleFailing, sampleGate, sampleParams } from './sample-dags.ts'

const act = activityRefs<SampleActivities>()
const byHand = {
  schedule: null,
  startDate: '2025-01-01',
  catchup: false,
  maxActiveRuns: 16,
} as const

const orders = dataset('orders')
const events = dataset('events')
const products = dataset('products')

export const sampleOrders = defineDag({ id: 'sample_orders', ...byHand }, ({ task, date }) => {
  const load = task('load', act.count, { date }, { outlets: [orders] })
  task('after_load', act.count, { date }, { after: [load] })
})

export const sampleProducts = defineDag({ id: 'sample_products', ...byHand }, ({ task, date }) => {
  const load = task('load', act.count, { date })
  task('publish', act.count, { date }, { after: [load], outlets: [products] })
})

export const sampleReport = defineDag(
  { id: 'sample_report', ...byHand, schedule: { datasets: all(orders, any(events, products)) } },
  ({ task, latestOnly, date, events: consumed }) => {
    const report = task('report', act.listEvents, { date, events: consumed })
    const latest = latestOnly('latest', { after: [report] })
    task('mail', act.count, { date }, { after: [latest] })
  },
)

export const sampleStock = defineDag(
  { id: 'sample_stock', ...byHand, schedule: { datasets: dataset('stock') } },
  ({ task, date }) => {
    task('hold', act.hold, { date })
  },
)

export const sampleWeekly = defineDag(
  { id: 'sample_weekly', ...byHand, schedule: { datasets: weekOf(dataset('sales'), -5) } },
  ({ task, date, events: consumed }) => {
    task('sum', act.listEvents, { date, events: consumed })
  },
)

export const sampleCaller = defineDag({ id: 'sample_caller', ...byHand }, (build) => {
  const { task, runDag, date } = build
  const call = runDag('call', sampleGate)
  task('after_call', act.greet, { date, name: call.output.summary, times: 1 })
})

export const sampleCallsFailing = defineDag({ id: 'sample_calls_failing', ...byHand }, (build) => {
  const call = build.runDag('call', sampleFailing)
  build.task('after_call', act.count, { date: build.date }, { after: [call] })
})

export const sampleCallsGate = defineDag({ id: 'sample_calls_gate', ...byHand }, (build) => {
  const call = build.runDag('call', sampleParams)
  build.task('gate', act.hold, { date: build.date }, { after: [call] })
})

export const sampleCallsDone = defineDag({ id: 'sample_calls_done', ...byHand }, ({ runDag }) => {
  const again = runDag('again', sampleParams, { params: { name: 'you' } })
  const kept = runDag('kept', sampleParams, { ifDone: 'keep', after: [again] })
  runDag('skipped', sampleParams, { ifDone: 'skip', after: [kept] })
})

export const datasetDags = [
  ...[sampleOrders, sampleProducts, sampleReport, sampleStock, sampleWeekly],
  ...[sampleCaller, sampleCallsFailing, sampleCallsGate, sampleCallsDone],
]
