import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { ProcessIdentity } from './process-identity.ts'

/** A server to end when this process is gone: `signals` in order, until it is. */
export const WatchedProcess = ProcessIdentity.extend({
  signals: z.array(z.custom<NodeJS.Signals>((name) => typeof name === 'string')),
  /** A folder that nobody needs when the server has ended. */
  temporaryDir: z.string().optional(),
})
export type WatchedProcess = z.infer<typeof WatchedProcess>

/** What the watchdog is told, a line each. */
export const WatchdogMessage = z.union([
  z.object({ watch: WatchedProcess }),
  z.object({ forget: z.int() }),
])
type WatchdogMessage = z.infer<typeof WatchdogMessage>

export interface Watchdog {
  watch(process: WatchedProcess): void
  forget(pid: number): void
  /** Ends the watchdog itself; what it still watches is ended by it. */
  close(): void
}

/**
 * Starts a small process that outlives this one, even a kill -9 of it: it notices that the pipe
 * from here has closed, and ends the servers it was told about.
 */
export function startWatchdog(): Watchdog {
  const script = join(import.meta.dirname, 'watchdog-process.ts')
  const child = spawn(process.execPath, [script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  })
  child.unref()
  // A pipe keeps this process alive unless told otherwise.
  if (child.stdin instanceof Socket) child.stdin.unref()
  child.stdin.on('error', () => undefined)
  const tell = (message: WatchdogMessage) => child.stdin.write(`${JSON.stringify(message)}\n`)
  return {
    watch: (process) => tell({ watch: process }),
    forget: (pid) => tell({ forget: pid }),
    close: () => child.stdin.end(),
  }
}
