import { activityRefs, defineDag } from '../../../dag/define-dag.ts'
import type { SampleActivities } from './sample-activities.ts'

const act = activityRefs<SampleActivities>()
const daily = { schedule: null, startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 } as const
const notify = act.tellDeadline

export const sampleDeadlineQueued = defineDag(
  {
    ...{ id: 'sample_deadline_queued', ...daily },
    deadline: { from: 'queued', after: '1 second', notify },
  },
  ({ task, date }) => {
    task('slow', act.hold, { date })
  },
)

export const sampleDeadlineAverage = defineDag(
  {
    ...{ id: 'sample_deadline_average', ...daily },
    deadline: { from: { averageOf: 3, atLeast: 2 }, after: '0.5 seconds', notify },
  },
  ({ task, date }) => {
    task('slow', act.hold, { date })
  },
)

export const sampleDeadlineFixed = defineDag(
  {
    ...{ id: 'sample_deadline_fixed', ...daily },
    deadline: { from: { at: '2099-12-31T23:00:00+01:00' }, after: '1 hour', notify },
  },
  ({ task, date }) => {
    task('quick', act.count, { date })
  },
)

export const sampleDeadlinePast = defineDag(
  {
    ...{ id: 'sample_deadline_past', ...daily },
    deadline: { from: { at: '2020-01-01T00:00:00Z' }, after: '1 hour', notify },
  },
  ({ task, date }) => {
    task('quick', act.count, { date })
  },
)

export const sampleDeadlineAsked = defineDag(
  {
    ...{ id: 'sample_deadline_asked', ...daily, maxActiveRuns: 4 },
    deadline: { from: act.closingTime, after: '0.5 seconds', notify },
  },
  ({ task, date }) => {
    task('slow', act.hold, { date })
  },
)

export const sampleDeadlineRepair = defineDag(
  {
    ...{ id: 'sample_deadline_repair', ...daily },
    deadline: { from: 'queued', after: '2 hours', warnBefore: '1 hour', notify },
  },
  ({ task, date }) => {
    task('load', act.count, { date })
  },
)
