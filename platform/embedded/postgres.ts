import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Say } from './cannot-start.ts'
import { CannotStart } from './cannot-start.ts'
import { onFreePort, preferredPorts } from './free-port.ts'
import { findPostgresAccount, reachableFolder, reachablePrograms } from './postgres-account.ts'
import type { Account } from './postgres-account.ts'
import { ensureCluster, postgresEnvironment, remedyFor } from './postgres-cluster.ts'
import type { PostgresMemory } from './postgres-memory.ts'
import { newPassword, postgresUrl, recallPostgres, rememberPostgres } from './postgres-memory.ts'
import { findPostgresPrograms } from './postgres-programs.ts'
import { postgresSignals } from './server-signals.ts'
import type { ServerProcess } from './server-process.ts'
import { startServerProcess, waitUntilReady } from './server-process.ts'
import type { Watchdog } from './watchdog.ts'

const usualPort = 5432
const databaseName = 'daybook'
/** Long enough for recovery after a crash. */
const startLimitMs = 120_000

export interface StartPostgresOptions {
  homeDir: string
  log: Say
  watchdog: Watchdog
  /** Removed by the watchdog when this process is killed. */
  temporaryDir?: string
  /** Off for tests only: their data is thrown away. */
  isDurable?: boolean
  /** Leaves the usual ports to others. */
  usesAnyPort?: boolean
  /** No other port will do: those who use the server know it by this one. */
  fixedPort?: number | undefined
}

export interface PostgresServer {
  url: string
  port: number
  process: ServerProcess
}

/**
 * Starts PostgreSQL on 127.0.0.1 with its data under the home folder; makes the database
 * `daybook`. @throws CannotStart
 */
export async function startPostgres(options: StartPostgresOptions): Promise<PostgresServer> {
  const { nativeDir, version } = await findPostgresPrograms()
  const account = await findPostgresAccount()
  const memory = await prepareMemory(options.homeDir, account)
  const programs = await reachablePrograms(nativeDir, version, account)
  const isDurable = options.isDurable ?? true
  const cluster = { nativeDir: programs, dataDir: memory.dataDir, password: memory.password }
  const made = await ensureCluster({ ...cluster, account, isDurable })
  if (made === 'created') options.log(`Made an empty database in ${memory.dataDir}`)
  const preferred = preferredPorts(memory.port, options.usesAnyPort ? undefined : usualPort)
  const startOn = async (port: number) => {
    await rememberPostgres(options.homeDir, { ...memory, port })
    const server = await launch({ ...options, programs, memory, port, account, isDurable })
    return { port, server }
  }
  const { fixedPort } = options
  const { port, server } = await (fixedPort === undefined
    ? onFreePort(preferred, startOn)
    : startOn(fixedPort))
  await createDatabaseOnce(postgresUrl(memory, port, 'postgres'))
  return { url: postgresUrl(memory, port, databaseName), port, process: server }
}

async function prepareMemory(
  homeDir: string,
  account: Account | undefined,
): Promise<PostgresMemory> {
  const known = await recallPostgres(homeDir)
  if (known !== undefined) return known
  const wanted = join(homeDir, 'postgres')
  const dataDir = join(await reachableFolder(wanted, account), 'data')
  const memory = { dataDir, password: newPassword() }
  await rememberPostgres(homeDir, memory)
  return memory
}

interface LaunchOptions extends StartPostgresOptions {
  programs: string
  memory: PostgresMemory
  port: number
  account: Account | undefined
  isDurable: boolean
}

async function launch(options: LaunchOptions): Promise<ServerProcess> {
  const { memory, port, account } = options
  const server = await startServerProcess({
    file: join(options.programs, 'bin', 'postgres'),
    args: ['-D', memory.dataDir, ...settingFlags(port, options.isDurable)],
    env: postgresEnvironment,
    logFile: join(options.homeDir, 'logs', 'postgres.log'),
    ...(account === undefined ? {} : { account }),
    watchdog: options.watchdog,
    signals: postgresSignals,
    ...(options.temporaryDir === undefined ? {} : { temporaryDir: options.temporaryDir }),
  })
  try {
    await waitUntilReady(server, answersAt(postgresUrl(memory, port, 'postgres')), startLimitMs)
    return server
  } catch (error) {
    await server.stop()
    const words = error instanceof Error ? error.message : String(error)
    throw new CannotStart(`PostgreSQL did not start: ${words}`, remedyFor(words), { cause: error })
  }
}

function settingFlags(port: number, isDurable: boolean): string[] {
  const durability = isDurable
    ? { synchronous_commit: 'on' }
    : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_buffers: '256MB',
    work_mem: '32MB',
    maintenance_work_mem: '256MB',
    max_wal_size: '4GB',
    wal_compression: 'on',
    random_page_cost: '1.1',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...durability,
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

const wrongPassword = '28P01'
/** Two servers that took the same port at once: the later one ends within this time. */
const portRaceMs = 3_000

/** Whether our server answers: with another password it is another server, or another data folder. */
function answersAt(url: string): () => Promise<boolean> {
  const startedMs = Date.now()
  return async () => {
    const answer = await connectOnce(url)
    if (answer === wrongPassword && Date.now() > startedMs + portRaceMs) {
      throw new Error('password authentication failed')
    }
    return answer === true
  }
}

/** True, or the code of what went wrong. */
async function connectOnce(url: string): Promise<true | string> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  } finally {
    await Promise.race([client.end().catch(() => undefined), sleep(200)])
  }
}

async function createDatabaseOnce(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [databaseName])
    if (found.rowCount === 0) await client.query(`create database ${databaseName}`)
  } finally {
    await client.end()
  }
}
