import { join } from 'node:path'
import type { ConnectionLike } from '@temporalio/client'
import type { Config } from '../config.ts'
import type { Say } from './cannot-start.ts'
import { CannotStart } from './cannot-start.ts'
import type { Addresses } from './find-stack.ts'
import type { KeptServer } from './keep-running.ts'
import { keepRunning } from './keep-running.ts'
import type { ServerProcess } from './server-process.ts'
import { startServerProcess, waitUntilReady } from './server-process.ts'
import type { Watchdog } from './watchdog.ts'

const root = join(import.meta.dirname, '..', '..')
const startLimitMs = 90_000
const workflowQueue = 1

export interface WorkerProcessOptions {
  config: Config
  addresses: Addresses
  watchdog: Watchdog
  log: Say
  /** Whether a worker asks the task queue for work. */
  isPolled: () => Promise<boolean>
}

/** A worker as a process of its own, started again when it dies; start() waits until it is ready. */
export function createWorkerProcess(options: WorkerProcessOptions): KeptServer {
  const logsDir = join(options.config.homeDir, 'logs')
  return keepRunning('The worker', options.log, logsDir, () => launch(options, logsDir))
}

async function launch(options: WorkerProcessOptions, logsDir: string): Promise<ServerProcess> {
  const logFile = join(logsDir, 'worker.log')
  const worker = await startServerProcess({
    file: process.execPath,
    args: [join(root, 'worker', 'main.ts')],
    env: workerEnvironment(options),
    logFile,
    watchdog: options.watchdog,
    cwd: root,
    signals: ['SIGTERM', 'SIGKILL'],
  })
  try {
    await waitUntilReady(worker, options.isPolled, startLimitMs)
    return worker
  } catch (error) {
    await worker.stop()
    const words = error instanceof Error ? error.message : String(error)
    throw new CannotStart(`The worker did not start: ${words}`, `see ${logFile}`, { cause: error })
  }
}

function workerEnvironment({ config, addresses }: WorkerProcessOptions): NodeJS.ProcessEnv {
  return {
    ...process.env,
    DATABASE_URL: addresses.databaseUrl,
    TEMPORAL_ADDRESS: addresses.temporalAddress,
    ...(addresses.temporalUiUrl === undefined ? {} : { TEMPORAL_UI_URL: addresses.temporalUiUrl }),
    DAYBOOK_HOME: config.homeDir,
    LANDING_DIR: config.landingDir,
    ONLINE_RETAIL_DIR: config.onlineRetailDir,
  }
}

/** Whether workers ask this task queue for workflow tasks. */
export async function isQueuePolled(
  connection: ConnectionLike,
  namespace: string,
  taskQueue: string,
): Promise<boolean> {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: workflowQueue,
  })
  return (pollers ?? []).length > 0
}
