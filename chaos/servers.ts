import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import { loadConfig } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { createDatabase } from '../platform/database.ts'
import type { Say } from '../platform/embedded/cannot-start.ts'
import { startPostgres } from '../platform/embedded/postgres.ts'
import { startServerProcess } from '../platform/embedded/server-process.ts'
import type { TemporalPorts } from '../platform/embedded/temporal-memory.ts'
import { startTemporalServer } from '../platform/embedded/temporal-server.ts'
import type { Watchdog } from '../platform/embedded/watchdog.ts'
import { startWatchdog } from '../platform/embedded/watchdog.ts'
import { isQueuePolled } from '../platform/embedded/worker-process.ts'
import { connectClient, waitForNamespace } from '../platform/temporal.ts'
import type { MailServer } from './mail-server.ts'
import { startMailServer } from './mail-server.ts'
import { eventually } from './persist.ts'
import type { Victim } from './victim.ts'
import { keepVictim } from './victim.ts'

/** Everything that the daily batch runs on, as processes that may be killed. */
export interface ChaosServers {
  readonly homeDir: string
  readonly taskQueue: string
  readonly postgres: Victim
  readonly temporal: Victim
  /** The first one runs from the start. */
  readonly workers: readonly Victim[]
  readonly mail: MailServer
  readonly database: Database
  readonly client: Client
  /** A further worker; returns when it serves the queue. */
  addWorker(): Promise<Victim>
  stop(): Promise<void>
}

export interface ChaosServersOptions {
  readonly landingDir: string
  /** Kept over rounds: the bundled workflows, which take seconds to make. */
  readonly cacheDir: string
  readonly log: Say
  /** Of the worker, beside its addresses. */
  readonly workerEnvironment?: NodeJS.ProcessEnv
  /** Called with the home folder before anything runs in it. */
  readonly prepareHome?: (homeDir: string) => Promise<void>
}

const root = join(import.meta.dirname, '..')
const startLimitMs = 90_000
const taskQueue = 'daybook'
/** What would start runs of its own beside those of the round. */
const schedulesToPause = ['ecommerce_daily', 'catch_up']

/** Servers in a temporary folder that ends with them; killed with this process, whatever becomes of it. */
export async function startChaosServers(options: ChaosServersOptions): Promise<ChaosServers> {
  const homeDir = await makeHome(options)
  const watchdog = startWatchdog()
  const ends: (() => Promise<unknown>)[] = [async () => watchdog.close()]
  /** The latest first. */
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    return { ...(await startAll({ ...options, homeDir, watchdog }, ends)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function makeHome({ cacheDir, prepareHome }: ChaosServersOptions): Promise<string> {
  const homeDir = await mkdtemp(join(tmpdir(), 'daybook-chaos-'))
  // PostgreSQL may run under an account of its own.
  await chmod(homeDir, 0o755)
  await mkdir(cacheDir, { recursive: true })
  await symlink(cacheDir, join(homeDir, 'bundles'))
  await prepareHome?.(homeDir)
  return homeDir
}

interface HomeOptions extends ChaosServersOptions {
  readonly homeDir: string
  readonly watchdog: Watchdog
}

async function startAll(
  options: HomeOptions,
  ends: (() => Promise<unknown>)[],
): Promise<Omit<ChaosServers, 'stop'>> {
  const { homeDir } = options
  const { postgres, temporal, addresses } = keepServers(options)
  ends.push(() => Promise.all([postgres.stop(), temporal.stop()]))
  await Promise.all([postgres.start(), temporal.start()])
  const mail = await startMailServer()
  ends.push(() => mail.close())
  const database = createDatabase(addresses.databaseUrl)
  ends.push(() => database.end())
  const client = await connectClient(loadConfig({}).temporal, addresses.temporalAddress)
  ends.push(() => client.connection.close())
  await waitForNamespace(client)
  const workers: Victim[] = []
  ends.push(() => Promise.all(workers.map((worker) => worker.stop())))
  const addWorker = async () => {
    const worker = keepWorker({ ...options, ...addresses, mail }, `worker ${workers.length + 1}`)
    workers.push(worker)
    await worker.start()
    if (!(await eventually(() => isServedBy(client, worker), startLimitMs))) {
      throw new Error(`${worker.name} does not start`)
    }
    return worker
  }
  await addWorker()
  await pauseSchedules(client)
  return { homeDir, taskQueue, postgres, temporal, workers, mail, database, client, addWorker }
}

/** Started again, a server keeps its ports: its addresses have been given out. */
function keepServers({ homeDir, log, watchdog }: HomeOptions) {
  const common = { homeDir, log, watchdog, temporaryDir: homeDir, usesAnyPort: true }
  const logsDir = join(homeDir, 'logs')
  const addresses = { databaseUrl: '', temporalAddress: '' }
  let postgresPort: number | undefined
  const postgres = keepVictim('PostgreSQL', log, logsDir, async () => {
    const server = await startPostgres({ ...common, fixedPort: postgresPort })
    postgresPort = server.port
    addresses.databaseUrl = server.url
    return server.process
  })
  let temporalPorts: TemporalPorts | undefined
  const temporal = keepVictim('Temporal', log, logsDir, async () => {
    const server = await startTemporalServer({ ...common, fixedPorts: temporalPorts })
    temporalPorts = { port: server.port, uiPort: server.uiPort }
    addresses.temporalAddress = server.address
    return server.process
  })
  return { postgres, temporal, addresses }
}

/** Removes what `stop` has left for whoever wants to look at logs. */
export async function removeHome({ homeDir }: ChaosServers): Promise<void> {
  await rm(homeDir, { recursive: true, force: true })
}

interface WorkerOptions extends HomeOptions {
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly mail: MailServer
}

function keepWorker(options: WorkerOptions, name: string): Victim {
  const { homeDir, watchdog, landingDir, mail, log, workerEnvironment = {} } = options
  const logsDir = join(homeDir, 'logs')
  return keepVictim(name, log, logsDir, () =>
    startServerProcess({
      file: process.execPath,
      args: [join(root, 'worker', 'main.ts')],
      env: {
        ...process.env,
        ...{ DATABASE_URL: options.databaseUrl, TEMPORAL_ADDRESS: options.temporalAddress },
        ...{ DAYBOOK_HOME: homeDir, LANDING_DIR: landingDir, SMTP_URL: mail.url },
        ...{ MAIL_TO: 'books@shop.example,owner@shop.example', TEMPORAL_TASK_QUEUE: taskQueue },
        ...workerEnvironment,
      },
      logFile: join(logsDir, `${name.replace(' ', '-')}.log`),
      watchdog,
      cwd: root,
      signals: ['SIGTERM', 'SIGKILL'],
    }),
  )
}

async function isServedBy(client: Client, worker: Victim): Promise<boolean> {
  const { namespace } = client.options
  return (
    worker.pid() !== undefined && (await isQueuePolled(client.connection, namespace, taskQueue))
  )
}

async function pauseSchedules(client: Client): Promise<void> {
  for (const id of schedulesToPause) await client.schedule.getHandle(id).pause('chaos')
}
