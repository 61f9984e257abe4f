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

export const toldDags = [sampleCallbacks, sampleBadCallbacks, sampleSlowCallback]
