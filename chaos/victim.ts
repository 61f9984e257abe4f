import type { Say } from '../platform/embedded/cannot-start.ts'
import { keepRunning } from '../platform/embedded/keep-running.ts'
import type { ServerProcess } from '../platform/embedded/server-process.ts'

/** A process that is started again whenever it ends, as `npm start` does it. */
export interface Victim {
  readonly name: string
  start(): Promise<void>
  stop(): Promise<void>
  /** Undefined while it is down. */
  pid(): number | undefined
  /** False when it is down already, and so nothing was done to it. */
  signal(signal: NodeJS.Signals): boolean
}

export function keepVictim(
  name: string,
  log: Say,
  logsDir: string,
  launch: () => Promise<ServerProcess>,
): Victim {
  const launched: ServerProcess[] = []
  const kept = keepRunning(name, log, logsDir, async () => {
    const server = await launch()
    launched.push(server)
    return server
  })
  const current = () => {
    const last = launched.at(-1)
    return last === undefined || last.hasEnded() ? undefined : last.pid
  }
  return {
    name,
    start: () => kept.start(),
    stop: () => kept.stop(),
    pid: current,
    signal: (signal) => {
      const pid = current()
      if (pid === undefined) return false
      process.kill(pid, signal)
      return true
    },
  }
}
