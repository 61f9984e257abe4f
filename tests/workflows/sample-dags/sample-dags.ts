import { z } from 'zod'
import { activityRefs, defineDag } from '../../../dag/define-dag.ts'
import type { SampleActivities } from './sample-activities.ts'

const act = activityRefs<SampleActivities>()
const daily = {
  schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
  startDate: '2025-01-01',
  catchup: true,
  maxActiveRuns: 1,
} as const

export const sampleChain = defineDag({ id: 'sample_chain', ...daily }, ({ task, date }) => {
  const first = task('first', act.count, { date })
  const second = task('second', act.count, { date, from: first.output.rowsOut })
  task('third', act.count, { date, from: second.output.rowsOut }, { after: [first] })
})

export const sampleBranch = defineDag({ id: 'sample_branch', ...daily }, (build) => {
  const { task, branch, date } = build
  const choose = branch('choose', act.chooseSide, { date }, ['left', 'right'])
  const left = task('left', act.count, { date }, { after: [choose] })
  const right = task('right', act.count, { date, from: 10 }, { after: [choose] })
  task(
    'join',
    act.count,
    { date, from: left.output.rowsOut },
    { rule: 'none_failed', after: [right] },
  )
  task('strict_join', act.count, { date }, { after: [left, right] })
})

export const sampleFailing = defineDag(
  { id: 'sample_failing', ...daily, onFailure: act.tellFailure },
  ({ task, date }) => {
    const good = task('good', act.count, { date })
    const bad = task(
      'bad',
      act.failForGood,
      { date },
      {
        ...{ after: [good], retries: 3, retryDelay: '1 second' },
      },
    )
    task('report', act.count, { date }, { after: [good, bad] })
  },
)

export const sampleCleanup = defineDag({ id: 'sample_cleanup', ...daily }, ({ task, date }) => {
  const bad = task('bad', act.failForGood, { date })
  task('cleanup', act.count, { date }, { after: [bad], rule: 'all_done' })
})

export const sampleRetry = defineDag(
  { id: 'sample_retry', ...daily, retries: 2, retryDelay: '1 second' },
  ({ task, date }) => {
    task('flaky', act.failUntil, { date, attempt: 3 })
  },
)

export const sampleBackoff = defineDag(
  { id: 'sample_backoff', ...daily, retries: 3, retryDelay: '300 seconds', retryBackoff: 2 },
  ({ task, date }) => {
    task('flaky', act.failUntil, { date, attempt: 9 })
    task('capped', act.failUntil, { date, attempt: 9 }, { maxRetryDelay: '900 seconds' })
  },
)

export const sampleExhausted = defineDag(
  { id: 'sample_exhausted', ...daily, onFailure: act.tellFailureBadly },
  ({ task, date }) => {
    task('flaky', act.failUntil, { date, attempt: 9 }, { retries: 1, retryDelay: '1 second' })
  },
)

export const sampleTold = defineDag(
  { id: 'sample_told', ...daily, onFailure: act.tellFailureSlowly },
  ({ task, date }) => {
    task('bad', act.failForGood, { date })
  },
)

export const sampleGate = defineDag({ id: 'sample_gate', ...daily }, ({ task, date }) => {
  const gate = task('gate', act.hold, { date }, { retries: 1, retryDelay: '1 hour' })
  task('after_gate', act.count, { date }, { after: [gate] })
})

export const sampleParams = defineDag(
  {
    ...{ id: 'sample_params', ...daily },
    params: z.object({ name: z.string().default('world'), times: z.int().max(3).default(1) }),
  },
  ({ task, date, params }) => {
    task('greet', act.greet, { date, name: params.name, times: params.times })
  },
)

export const sampleDags = [
  ...[
    sampleChain,
    sampleBranch,
    sampleFailing,
    sampleCleanup,
    sampleRetry,
    sampleBackoff,
    sampleExhausted,
  ],
  ...[sampleTold, sampleGate, sampleParams],
]
