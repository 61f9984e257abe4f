import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Connection } from '@temporalio/client'
import type { Say } from './cannot-start.ts'
import { CannotStart } from './cannot-start.ts'
import { chooseFreePort, isListening, onFreePort, preferredPorts } from './free-port.ts'
import { temporalSignals } from './server-signals.ts'
import type { ServerProcess } from './server-process.ts'
import { startServerProcess, waitUntilReady } from './server-process.ts'
import { findTemporalBinary } from './temporal-binary.ts'
import type { TemporalPorts } from './temporal-memory.ts'
import { recallTemporalPorts, rememberTemporalPorts } from './temporal-memory.ts'
import type { Watchdog } from './watchdog.ts'

const usualPorts = { port: 7233, uiPort: 8233 }
const startLimitMs = 60_000

/** Names and types of the search attributes that every run carries. */
export const searchAttributes = {
  DaybookDag: 'Keyword',
  DaybookDate: 'Keyword',
  DaybookState: 'Keyword',
  DaybookTrigger: 'Keyword',
} as const

/**
 * Without the limits raised the dev server takes 105 ms a task in sequence, with them 6 ms. Eager: a
 * worker that has scheduled an activity and has room is handed it at once, without a poll.
 */
const dynamicConfig = {
  'system.enableActivityEagerExecution': 'true',
  'history.transferProcessorMaxPollRPS': 2000,
  'history.transferProcessorMaxPollHostRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
}

export interface StartTemporalOptions {
  homeDir: string
  log: Say
  watchdog: Watchdog
  /** Made at the start, with the search attributes; `default` always is. */
  namespaces?: string[]
  /** In memory, without the Web UI: for tests. */
  isDurable?: boolean
  /** Leaves the usual ports to others. */
  usesAnyPort?: boolean
  /** No others will do: those who use the server know it by these. */
  fixedPorts?: TemporalPorts | undefined
}

export interface TemporalServer extends TemporalPorts {
  address: string
  uiUrl: string
  process: ServerProcess
}

/** Starts Temporal's dev server on 127.0.0.1, its state in a file. @throws CannotStart */
export async function startTemporalServer(options: StartTemporalOptions): Promise<TemporalServer> {
  const binary = await findTemporalBinary(options)
  if (options.fixedPorts !== undefined) return launch(binary, options.fixedPorts, options)
  const known = await recallTemporalPorts(options.homeDir)
  const usual = options.usesAnyPort ? undefined : usualPorts
  return onFreePort(preferredPorts(known?.port, usual?.port), async (port) => {
    const uiPort = await chooseOtherPort(port, preferredPorts(known?.uiPort, usual?.uiPort))
    await rememberTemporalPorts(options.homeDir, { port, uiPort })
    return launch(binary, { port, uiPort }, options)
  })
}

async function launch(
  binary: string,
  ports: TemporalPorts,
  options: StartTemporalOptions,
): Promise<TemporalServer> {
  const address = `127.0.0.1:${ports.port}`
  const stateDir = join(options.homeDir, 'temporal')
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const server = await startServerProcess({
    file: binary,
    args: serverArguments(ports, options, join(stateDir, 'temporal.db')),
    env: environmentWithoutTemporalSettings(),
    logFile: join(options.homeDir, 'logs', 'temporal.log'),
    watchdog: options.watchdog,
    signals: temporalSignals,
  })
  try {
    const isUp = async () =>
      (await isServing(ports.port)) && (await hasAnnounced(server, ports.port))
    await waitUntilReady(server, isUp, startLimitMs)
  } catch (error) {
    await server.kill()
    const words = error instanceof Error ? error.message : String(error)
    throw new CannotStart(
      `The Temporal server did not start: ${words}`,
      remedyFor(words, stateDir),
      {
        cause: error,
      },
    )
  }
  return { ...ports, address, uiUrl: `http://127.0.0.1:${ports.uiPort}`, process: server }
}

async function chooseOtherPort(than: number, preferred: number[]): Promise<number> {
  for (;;) {
    const port = await chooseFreePort(preferred.filter((wanted) => wanted !== than))
    if (port !== than) return port
  }
}

function serverArguments(
  ports: TemporalPorts,
  options: StartTemporalOptions,
  stateFile: string,
): string[] {
  const storage = ['--ui-port', String(ports.uiPort), '--db-filename', stateFile]
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(ports.port)],
    ...['--log-level', 'warn', '--log-format', 'json'],
    ...((options.isDurable ?? true) ? storage : ['--headless']),
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
    ...pairs('--dynamic-config-value', dynamicConfig),
    ...pairs('--search-attribute', searchAttributes),
    ...(options.namespaces ?? []).flatMap((name) => ['--namespace', name]),
  ]
}

function pairs(flag: string, values: Record<string, string | number>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`])
}

/** Settings such as TEMPORAL_ADDRESS are for clients; the server must not read them as its flags. */
function environmentWithoutTemporalSettings(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'))
  return Object.fromEntries(entries)
}

/** What answers may be another server that took the same port at the same moment; ours says so itself. */
async function hasAnnounced(server: ServerProcess, port: number): Promise<boolean> {
  return new RegExp(`Server:\\s+\\S+:${port}\\b`).test(await server.readLog())
}

const serving = 1

async function isServing(port: number): Promise<boolean> {
  if (!(await isListening(port))) return false
  let connection: Connection | undefined
  try {
    connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 1_000 })
    const health = await connection.healthService.check({
      service: 'temporal.api.workflowservice.v1.WorkflowService',
    })
    if (Number(health.status) !== serving) return false
    await connection.workflowService.describeNamespace({ namespace: 'default' })
    return true
  } catch {
    return false
  } finally {
    await connection?.close()
  }
}

function remedyFor(words: string, stateDir: string): string {
  if (/no space left|disk is full/i.test(words)) return 'free some disk space and start again'
  if (/address already in use/i.test(words)) {
    return 'another program took the port meanwhile: start again'
  }
  if (/permission denied|readonly database/i.test(words)) {
    return `make ${stateDir} writable for this user, or set DAYBOOK_HOME to another folder`
  }
  if (/unknown flag|unknown option/i.test(words)) {
    return 'the Temporal CLI found is too old: upgrade it to 1.3 or newer'
  }
  return `restore ${stateDir} from a backup, or move it away to start with empty histories`
}
