import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createActivities } from '../activities/index.ts'
import { generateDays } from '../data/generator/generate.ts'
import { loadConfig } from '../platform/config.ts'
import { startRun } from '../schedules/start-run.ts'
import { defaultWorkflowsPath } from '../worker/create-worker.ts'
import { dags } from '../workflows/dags.ts'
import { compareMs, timeMs } from './compare.ts'
import { startWorker, taskQueue } from './orchestrator/bench-worker.ts'
import { row } from './report.ts'
import type { Row } from './report.ts'
import { startBenchServers, type BenchServers } from './servers.ts'

const [firstDay, date] = ['2025-12-13', '2025-12-14']
const generated = { from: firstDay, days: 2, orders: 20_000, events: 80_000, flat: true }
const launcher = join(import.meta.dirname, '..', 'bin', 'daybook.js')

/** What running a day costs that is up to date, beside its first run. */
export async function benchUpToDate(): Promise<Row[]> {
  const servers = await startBenchServers()
  try {
    const landingDir = join(servers.homeDir, 'incoming')
    for await (const day of generateDays({ ...generated, out: landingDir })) console.error(day.date)
    const config = loadConfig({ LANDING_DIR: landingDir, DAYBOOK_HOME: servers.homeDir })
    const stopWorker = await startWorker(servers, {
      activities: createActivities({ database: servers.database, config }),
      workflowsPath: defaultWorkflowsPath,
      dags,
    })
    try {
      return await measure(servers, landingDir)
    } finally {
      await stopWorker()
    }
  } finally {
    await servers.stop()
  }
}

async function measure({ client, ...servers }: BenchServers, landingDir: string): Promise<Row[]> {
  const run = async (day: string) => {
    const handle = await startRun(client, { dagId: 'ecommerce_daily', date: day, taskQueue })
    await handle.result()
  }
  await run(firstDay)
  const firstMs = await timeMs(() => run(date))
  const settings = {
    DATABASE_URL: servers.databaseUrl,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    TEMPORAL_TASK_QUEUE: taskQueue,
    LANDING_DIR: landingDir,
    DAYBOOK_HOME: servers.homeDir,
  }
  const median = await compareMs('up to date', {
    run: () => run(date),
    command: () => daybook(['run', date], settings),
    plan: () => daybook(['plan', date], settings),
    start: () => daybook(['run', '--help'], settings),
  })
  const unit = 's'
  return [
    row({ metric: 'first run of a day', value: firstMs / 1000, unit }),
    row({ metric: 'run of a day that is up to date', value: median('run') / 1000, unit, goal: 1 }),
    row({ metric: '`daybook run` of such a day', value: median('command') / 1000, unit }),
    row({ metric: '`daybook plan` of such a day', value: median('plan') / 1000, unit }),
    row({ metric: 'start of the command line alone', value: median('start') / 1000, unit }),
  ]
}

/** @throws Error when the command fails */
async function daybook(args: string[], settings: Record<string, string>): Promise<void> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings }
  const child = spawn(process.execPath, [launcher, ...args], {
    ...{ env, stdio: ['ignore', 'ignore', 'inherit'] },
  })
  const [code]: unknown[] = await once(child, 'exit')
  if (code !== 0) throw new Error(`daybook ${args.join(' ')} ended with ${String(code)}`)
}
