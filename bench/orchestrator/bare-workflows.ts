import { executeChild, ParentClosePolicy, proxyActivities } from '@temporalio/workflow'
import type { BenchActivities } from './activities.ts'
import { chainLength, fanOutWidth } from './dags.ts'

// What a Temporal user would write by hand for the same activity calls: the same inputs, waits,
// time-outs and retries as the tasks of the DAGs have.
interface DayInput {
  date: string
}

const activities = proxyActivities<Record<string, BenchActivities['noop']>>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '30 seconds',
  retry: { maximumAttempts: 3, initialInterval: '5 seconds', backoffCoefficient: 1 },
})

function run(name: string, date: string, from?: number): Promise<{ rowsOut: number }> {
  const activity = activities[name]
  if (activity === undefined) throw new Error(`There is no activity ${name}`)
  return activity(from === undefined ? { date } : { date, from })
}

export async function bare_chain({ date }: DayInput): Promise<void> {
  let last = await run('noop', date)
  for (let number = 2; number <= chainLength; number += 1) {
    last = await run('noop', date, last.rowsOut)
  }
}

export async function bare_fan_out({ date }: DayInput): Promise<void> {
  const source = await run('noop', date)
  await Promise.all(Array.from({ length: fanOutWidth }, () => run('noop', date, source.rowsOut)))
  await run('noop', date)
}

/** The calls and waits of ecommerce_daily on a day with a catalogue. */
export async function bare_daily({ date }: DayInput): Promise<void> {
  const stage = async () => {
    await run('extractSource', date)
    await run('transformToStaging', date)
  }
  const products = async () => {
    await run('chooseProducts', date)
    await stage()
  }
  await Promise.all([products(), stage(), stage()])
  await run('checkQuality', date)
  await run('holdDay', date)
  await Promise.all(['loadDimDate', 'loadDimUser', 'loadDimProduct'].map((name) => run(name, date)))
  await Promise.all(['loadFactOrders', 'loadFactEvents'].map((name) => run(name, date)))
  for (const name of ['computeDailyMetrics', 'scoreAnomalies', 'publish', 'notify']) {
    await run(name, date)
  }
}

export async function bare_day({ date }: DayInput): Promise<void> {
  await run('noop', date)
}

export interface BareBackfillInput {
  id: string
  dates: string[]
  concurrency: number
}

/** A child for every date, so many at once. */
export async function bare_backfill(input: BareBackfillInput): Promise<void> {
  const waiting = [...input.dates]
  const runNext = async (): Promise<void> => {
    const date = waiting.shift()
    if (date === undefined) return
    await executeChild(bare_day, {
      workflowId: `${input.id}/${date}`,
      args: [{ date }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
    })
    await runNext()
  }
  await Promise.all(Array.from({ length: input.concurrency }, runNext))
}
