import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import type { BenchActivities } from './activities.ts'

const act = activityRefs<BenchActivities>()
const daily = {
  schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
  startDate: '2010-01-01',
  catchup: true,
  maxActiveRuns: 1,
  retries: 2,
} as const

export const chainLength = 40
export const fanOutWidth = 400
export const backfillConcurrency = 100
export const shortRunsAtOnce = 20

export const taskNames = (count: number) =>
  Array.from({ length: count }, (_, index) => `task_${index + 1}`)

/** Each task takes what the one before returned. */
export const benchChain = defineDag({ id: 'bench_chain', ...daily }, ({ task, date }) => {
  const [first = '', ...others] = taskNames(chainLength)
  let last = task(first, act.noop, { date })
  for (const name of others) last = task(name, act.noop, { date, from: last.output.rowsOut })
})

/** One task, many that wait for it, and one that waits for them all. */
export const benchFanOut = defineDag({ id: 'bench_fan_out', ...daily }, ({ task, date }) => {
  const source = task('source', act.noop, { date })
  const items = taskNames(fanOutWidth).map((name) =>
    task(name, act.noop, { date, from: source.output.rowsOut }),
  )
  task('join', act.noop, { date }, { after: items })
})

export const benchShort = defineDag(
  { id: 'bench_short', ...daily, maxActiveRuns: shortRunsAtOnce },
  ({ task, date }) => {
    const first = task('first', act.noop, { date })
    task('second', act.noop, { date, from: first.output.rowsOut })
  },
)

export const benchDay = defineDag(
  { id: 'bench_day', ...daily, maxActiveRuns: backfillConcurrency },
  ({ task, date }) => {
    task('only', act.noop, { date })
  },
)
