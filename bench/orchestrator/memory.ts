import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import type { Row } from '../report.ts'
import { row } from '../report.ts'
import { shortRunsAtOnce } from './dags.ts'
import { datesFrom, execute } from './start.ts'

const warmUpRuns = 500
const measuredRuns = 2_000

/** The worker lives in this process, so that the process's memory is the worker's. */
export async function measureMemory(client: Client): Promise<Row[]> {
  await runMany(client, 0, warmUpRuns)
  const before = await settledMemory()
  await runMany(client, warmUpRuns, measuredRuns)
  const after = await settledMemory()
  const name = `memory over ${measuredRuns} runs`
  const megabytes = (bytes: number) => bytes / 2 ** 20
  const growth = (after.rss / before.rss - 1) * 100
  return [
    row({ metric: `${name}: growth`, value: growth, unit: '%', goal: 5 }),
    row({ metric: `${name}: resident before`, value: megabytes(before.rss), unit: 'MB' }),
    row({ metric: `${name}: resident after`, value: megabytes(after.rss), unit: 'MB' }),
    row({ metric: `${name}: heap before`, value: megabytes(before.heapUsed), unit: 'MB' }),
    row({ metric: `${name}: heap after`, value: megabytes(after.heapUsed), unit: 'MB' }),
  ]
}

async function runMany(client: Client, from: number, count: number): Promise<void> {
  const dates = datesFrom(from, count)
  const runNext = async (): Promise<void> => {
    for (let date = dates.shift(); date !== undefined; date = dates.shift()) {
      await execute(client, 'bench_short', `bench_short/${date}`, { date })
    }
  }
  await Promise.all(Array.from({ length: shortRunsAtOnce }, runNext))
}

/** After what is no longer needed has been given back, which takes more than one collection. */
async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  if (globalThis.gc === undefined)
    throw new Error('Start Node with --expose-gc: npm run bench does')
  for (let collection = 0; collection < 5; collection += 1) {
    globalThis.gc()
    await sleep(500)
  }
  return process.memoryUsage()
}
