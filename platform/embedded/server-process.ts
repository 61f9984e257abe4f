import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessIdentity } from './process-identity.ts'
import { endProcess, identifyProcess } from './process-identity.ts'
import type { Watchdog } from './watchdog.ts'

const biggestLogBytes = 10_000_000
const pollMs = 20

export interface ServerProcessOptions {
  file: string
  args: string[]
  env: NodeJS.ProcessEnv
  logFile: string
  account?: { uid: number; gid: number }
  watchdog: Watchdog
  cwd?: string
  /** Sent in order, `patienceMs` apart, to end it. */
  signals: NodeJS.Signals[]
  temporaryDir?: string
}

export interface ServerProcess extends ProcessIdentity {
  /** Settles when it has ended, for whatever reason. */
  ended: Promise<void>
  hasEnded(): boolean
  /** Tells the watchdog that it is gone. */
  release(): void
  stop(): Promise<void>
  /** Ends it at once, without its own clean-up. */
  kill(): Promise<void>
  /** What it wrote since it was started. */
  readLog(): Promise<string>
}

const patienceMs = 30_000

/**
 * Starts a server in a session of its own: Ctrl-C goes to Daybook alone, which then ends its
 * servers in the right order. Its output goes to a file, so it never stands on a closed pipe.
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const logStart = await prepareLog(options.logFile)
  const output = openSync(options.logFile, 'a', 0o600)
  const child = spawn(options.file, options.args, {
    ...options.account,
    env: options.env,
    cwd: options.cwd ?? '/',
    detached: true,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  child.unref()
  const { pid } = child
  if (pid === undefined) throw new Error(`${options.file} has no pid`)
  const identity = await identifyProcess(pid)
  const { signals, temporaryDir } = options
  options.watchdog.watch({
    ...identity,
    signals,
    ...(temporaryDir === undefined ? {} : { temporaryDir }),
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const end = async (by: NodeJS.Signals[]) => {
    await endProcess(identity, by, patienceMs)
    options.watchdog.forget(pid)
  }
  return {
    ...identity,
    ended,
    hasEnded,
    release: () => options.watchdog.forget(pid),
    stop: () => end(signals),
    kill: () => end(signals.slice(1)),
    readLog: async () => (await readFile(options.logFile, 'utf8')).slice(logStart),
  }
}

/** Keeps one older log beside it; returns where this start's lines begin. */
async function prepareLog(logFile: string): Promise<number> {
  await mkdir(dirname(logFile), { recursive: true })
  const size = await stat(logFile).then(
    (file) => file.size,
    () => 0,
  )
  if (size < biggestLogBytes) return size
  await rename(logFile, `${logFile}.old`)
  return 0
}

/** A server that takes longer to answer is asked again: a call may never come back from one that starts. */
const answerLimitMs = 5_000

/**
 * Asks `isReady` again and again until it says yes and the server is still there. Throws the server's
 * own words otherwise.
 */
export async function waitUntilReady(
  server: ServerProcess,
  isReady: () => Promise<boolean>,
  limitMs: number,
): Promise<void> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const isUp = await within(answerLimitMs, isReady())
    if (server.hasEnded()) throw new Error(lastLines(await server.readLog()))
    if (isUp) return
    if (Date.now() > deadline) {
      throw new Error(`not ready after ${limitMs / 1000} s. ${lastLines(await server.readLog())}`)
    }
    await sleep(pollMs)
  }
}

/** The answer, or no when it takes too long. */
async function within(limitMs: number, answer: Promise<boolean>): Promise<boolean> {
  const settled = new AbortController()
  try {
    return await Promise.race([answer, sleep(limitMs, false, { signal: settled.signal })])
  } finally {
    settled.abort()
  }
}

/** The end of what it wrote, without the lines of a stack trace; the one line that tells of a taken port. */
function lastLines(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
  const taken = lines.find((line) => /address already in use/i.test(line))
  if (taken !== undefined) return taken
  return lines.length === 0 ? 'It wrote nothing.' : lines.slice(-8).join('\n  ')
}
