import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Say } from './cannot-start.ts'
import { CannotStart } from './cannot-start.ts'
import { claimHome } from './claim-home.ts'
import { keepRunning } from './keep-running.ts'
import { startPostgres } from './postgres.ts'
import { postgresUrl, recallPostgres } from './postgres-memory.ts'
import { isStillRunning } from './process-identity.ts'
import type { EmbeddedState } from './state-file.ts'
import { readState, removeState, replaceState } from './state-file.ts'
import { startTemporalServer } from './temporal-server.ts'
import type { Watchdog } from './watchdog.ts'
import { startWatchdog } from './watchdog.ts'

export interface Addresses {
  databaseUrl: string
  temporalAddress: string
  temporalUiUrl: string | undefined
}

export interface Stack extends Addresses {
  /** The process that started the servers, when that is not this one. */
  ownerPid: number | undefined
  /** Ends further processes of this stack when this process is killed. */
  watchdog: Watchdog | undefined
  /** Ends what this process started, in good order. */
  stop(): Promise<void>
  /** Ends it at once. */
  kill(): Promise<void>
}

type StackConfig = Pick<Config, 'databaseUrl' | 'temporal' | 'homeDir'>

/**
 * Starts the embedded servers that the settings do not point elsewhere. If another process has
 * them running for the same home folder, its servers are used, and stop() leaves them alone.
 * A server that dies is started again. @throws CannotStart
 */
export async function startStack(config: StackConfig, log: Say): Promise<Stack> {
  if (config.databaseUrl !== undefined && config.temporal.address !== undefined) {
    return useServersElsewhere(config)
  }
  const claim = await claimHome(config.homeDir, log)
  if (claim.owner === 'another') {
    const addresses = await addressesOf(config, claim.state)
    return { ...addresses, ...nothingToStop, ownerPid: claim.state.owner.pid, watchdog: undefined }
  }
  return startOwnServers(config, claim.state, log)
}

const nothingToStop = { stop: () => Promise.resolve(), kill: () => Promise.resolve() }

async function useServersElsewhere(config: StackConfig): Promise<Stack> {
  const addresses = await addressesOf(config, undefined)
  const watchdog = startWatchdog()
  const stop = () => Promise.resolve(watchdog.close())
  return { ...addresses, ownerPid: undefined, watchdog, stop, kill: stop }
}

/** Addresses of what runs now, for a command that starts nothing. @throws CannotStart */
export async function findStack(config: StackConfig): Promise<Addresses> {
  return addressesOf(config, await readLiveState(config.homeDir))
}

/** The database alone, for a command that only reads. @throws CannotStart */
export async function findDatabaseUrl(config: StackConfig): Promise<string> {
  return databaseUrlOf(config, await readLiveState(config.homeDir))
}

async function readLiveState(homeDir: string): Promise<EmbeddedState | undefined> {
  const state = await readState(homeDir)
  const isLive = state !== undefined && state.isReady && (await isStillRunning(state.owner))
  return isLive ? state : undefined
}

async function addressesOf(
  config: StackConfig,
  state: EmbeddedState | undefined,
): Promise<Addresses> {
  return { databaseUrl: await databaseUrlOf(config, state), ...temporalOf(config, state) }
}

async function databaseUrlOf(
  config: StackConfig,
  state: EmbeddedState | undefined,
): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl
  const server = state?.postgres
  const memory = server && (await recallPostgres(config.homeDir))
  if (server === undefined || memory === undefined) throw notRunning('PostgreSQL', 'DATABASE_URL')
  return postgresUrl(memory, server.port, 'daybook')
}

function temporalOf({ temporal: settings }: StackConfig, state: EmbeddedState | undefined) {
  const { address, uiUrl } = settings
  if (address !== undefined) return { temporalAddress: address, temporalUiUrl: uiUrl }
  if (state?.temporal === undefined) throw notRunning('Temporal', 'TEMPORAL_ADDRESS')
  const { port, uiPort } = state.temporal
  const temporalUiUrl = uiUrl ?? `http://127.0.0.1:${uiPort}`
  return { temporalAddress: `127.0.0.1:${port}`, temporalUiUrl }
}

function notRunning(server: string, setting: string): CannotStart {
  return new CannotStart(
    `No ${server} is running for this folder, and ${setting} is not set`,
    `start it with \`npm start\`, or set ${setting}`,
  )
}

async function startOwnServers(
  config: StackConfig,
  claimed: EmbeddedState,
  log: Say,
): Promise<Stack> {
  const { homeDir } = config
  const watchdog = startWatchdog()
  let state = claimed
  let written = Promise.resolve()
  // One after the other: both servers report at about the same time.
  const record = (change: Partial<EmbeddedState>) => {
    state = { ...state, ...change }
    written = written.then(() => replaceState(homeDir, state))
    return written
  }
  const options = { homeDir, log, watchdog }
  // Started again, a server keeps its ports: its addresses have been given out.
  const logsDir = join(homeDir, 'logs')
  const postgres = keepRunning('PostgreSQL', log, logsDir, async () => {
    const server = await startPostgres({ ...options, fixedPort: state.postgres?.port })
    const { pid, startMark } = server.process
    await record({ postgres: { pid, startMark, port: server.port } })
    return server.process
  })
  const temporal = keepRunning('Temporal', log, logsDir, async () => {
    const server = await startTemporalServer({ ...options, fixedPorts: state.temporal })
    const { pid, startMark } = server.process
    const { port, uiPort } = server
    await record({ temporal: { pid, startMark, port, uiPort } })
    return server.process
  })
  const wanted = [
    ...(config.databaseUrl === undefined ? [postgres] : []),
    ...(config.temporal.address === undefined ? [temporal] : []),
  ]
  const endAll = async (how: 'stop' | 'kill') => {
    await Promise.all(wanted.map((server) => server[how]()))
    await removeState(homeDir)
    watchdog.close()
  }
  const results = await Promise.allSettled(wanted.map((server) => server.start()))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure !== undefined) {
    await endAll('stop')
    throw failure.reason
  }
  await record({ isReady: true })
  return {
    ...(await addressesOf(config, state)),
    ownerPid: undefined,
    watchdog,
    stop: () => endAll('stop'),
    kill: () => endAll('kill'),
  }
}
