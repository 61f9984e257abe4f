import { z } from 'zod'
import { activityRefs, defineDag } from '../../../dag/define-dag.ts'
import type { SampleActivities } from './sample-activities.ts'

const act = activityRefs<SampleActivities>()
const counted = {
  schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
  startDate: '2025-01-01',
  catchup: true,
  maxActiveRuns: 16,
  params: z.object({ count: z.int().default(0) }),
} as const
const again = { retries: 3, retryDelay: '0.1 seconds', heartbeatTimeout: '5 seconds' } as const

export const sampleParts = defineDag(
  { id: 'sample_parts', ...counted },
  ({ task, map, date, params }) => {
    const parts = task('parts', act.listParts, { date, count: params.count })
    const each = map('each', act.workOnPart, parts.output, (no) => ({ date, no }), {
      ...{ ...again, rule: 'none_failed' },
      name: (no) => ['part', no],
    })
    task('sum', act.sum, { date, numbers: each.output })
    task('any', act.count, { date }, { after: [each], rule: 'one_success' })
    task('alarm', act.count, { date }, { after: [each], rule: 'one_failed' })
  },
)

/** It goes on when its instances have ended. */
export const samplePartsHeld = defineDag(
  { id: 'sample_parts_held', ...counted },
  ({ task, map, date, params }) => {
    const parts = task('parts', act.listParts, { date, count: params.count })
    map('each', act.workOnPart, parts.output, (no) => ({ date, no }))
    task('gate', act.hold, { date })
  },
)

/** PostgreSQL gives the shorter name back first. */
export const sampleCrossed = defineDag(
  { id: 'sample_crossed', ...counted },
  ({ task, map, date, params }) => {
    const parts = task('parts', act.listParts, { date, count: params.count })
    const more = task('more', act.listParts, { date, count: 2 })
    const over = { zone: parts.output, no: more.output }
    map('each', act.workOnPart, over, ({ no }) => ({ date, no }), {
      name: ({ zone, no }) => [zone, no],
    })
  },
)

/** What its instances return is too large to be kept. */
export const sampleWide = defineDag(
  { id: 'sample_wide', ...counted },
  ({ task, map, date, params }) => {
    const parts = task('parts', act.listParts, { date, count: params.count })
    const each = map('each', act.widenPart, parts.output, (no) => ({ date, no }))
    task('join', act.join, { date, texts: each.output })
  },
)
