import { join } from 'node:path'
import type { Say } from './cannot-start.ts'
import { claimHome } from './claim-home.ts'
import type { Addresses, StackConfig } from './find-stack.ts'
import { addressesOf } from './find-stack.ts'
import { keepRunning } from './keep-running.ts'
import { startPostgres } from './postgres.ts'
import type { EmbeddedState } from './state-file.ts'
import { removeState, replaceState } from './state-file.ts'
import { startTemporalServer } from './temporal-server.ts'
import type { Watchdog } from './watchdog.ts'
import { startWatchdog } from './watchdog.ts'

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
