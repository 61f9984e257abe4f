import type { Config } from '../config.ts'
import { CannotStart } from './cannot-start.ts'
import { postgresUrl, recallPostgres } from './postgres-memory.ts'
import { isStillRunning } from './process-identity.ts'
import type { EmbeddedState } from './state-file.ts'
import { readState } from './state-file.ts'

export interface Addresses {
  databaseUrl: string
  temporalAddress: string
  temporalUiUrl: string | undefined
}

export type StackConfig = Pick<Config, 'databaseUrl' | 'temporal' | 'homeDir'>

/** Addresses of what runs now, for a command that starts nothing. @throws CannotStart */
export async function findStack(config: StackConfig): Promise<Addresses> {
  return addressesOf(config, await readLiveState(config.homeDir))
}

/** The database alone, for a command that only reads. @throws CannotStart */
export async function findDatabaseUrl(config: StackConfig): Promise<string> {
  return databaseUrlOf(config, await readLiveState(config.homeDir))
}

/** The Temporal server alone, for a command that asks a run. @throws CannotStart */
export async function findTemporalAddress(config: StackConfig): Promise<string> {
  return temporalOf(config, await readLiveState(config.homeDir)).temporalAddress
}

async function readLiveState(homeDir: string): Promise<EmbeddedState | undefined> {
  const state = await readState(homeDir)
  const isLive = state !== undefined && state.isReady && (await isStillRunning(state.owner))
  return isLive ? state : undefined
}

/** Of servers elsewhere as the settings say, of embedded ones as their state does. @throws CannotStart */
export async function addressesOf(
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
