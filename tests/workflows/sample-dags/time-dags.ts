import { activityRefs, defineDag } from '../../../dag/define-dag.ts'
import type { SampleActivities } from './sample-activities.ts'

const act = activityRefs<SampleActivities>()
const atTwo = { schedule: { cron: '0 2 * * *', timeZone: 'UTC' }, catchup: true } as const

export const sampleNewYork = defineDag(
  {
    ...{ id: 'sample_new_york', catchup: false, maxActiveRuns: 1 },
    schedule: { cron: '30 1 * * *', timeZone: 'America/New_York' },
  },
  ({ task, date }) => {
    task('first', act.count, { date })
  },
)

export const sampleOverlap = defineDag(
  { id: 'sample_overlap', ...atTwo, catchup: false, maxActiveRuns: 4 },
  ({ task, date }) => {
    const gate = task('gate', act.hold, { date })
    task('effect', act.count, { date }, { after: [gate] })
  },
)

export const sampleCatchUp = defineDag(
  { id: 'sample_catch_up', ...atTwo, maxActiveRuns: 2 },
  ({ task, date }) => {
    task('gate', act.hold, { date })
  },
)

export const sampleNewest = defineDag(
  { id: 'sample_newest', ...atTwo, startDate: '2025-01-01', catchup: false, maxActiveRuns: 2 },
  ({ task, date }) => {
    task('first', act.count, { date })
  },
)

export const sampleFresh = defineDag(
  { id: 'sample_fresh', ...atTwo, maxActiveRuns: 2 },
  ({ task, date }) => {
    task('first', act.count, { date })
  },
)

export const sampleOrdered = defineDag(
  { id: 'sample_ordered', ...atTwo, maxActiveRuns: 4 },
  ({ task, date }) => {
    task('first', act.count, { date }, { dependsOnPast: true })
  },
)

export const samplePaused = defineDag(
  { id: 'sample_paused', ...atTwo, maxActiveRuns: 1, maxConsecutiveFailedRuns: 2 },
  ({ task, date }) => {
    task('first', act.count, { date })
  },
)

export const sampleRestricted = defineDag(
  { id: 'sample_restricted', ...atTwo, maxActiveRuns: 1, allowedRunTypes: ['scheduled'] },
  ({ task, date }) => {
    task('first', act.count, { date })
  },
)

export const timeDags = [
  ...[sampleNewYork, sampleOverlap, sampleCatchUp, sampleNewest, sampleFresh, sampleOrdered],
  ...[samplePaused, sampleRestricted],
]
