import { setTimeout as sleep } from 'node:timers/promises'
import type { Say } from './cannot-start.ts'
import type { ServerProcess } from './server-process.ts'

export interface KeptServer {
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
}

const longestPauseMs = 30_000

/** Starts a server, and again when it ends without being asked to, with growing pauses. */
export function keepRunning(
  name: string,
  log: Say,
  logsDir: string,
  launch: () => Promise<ServerProcess>,
): KeptServer {
  let current: Promise<ServerProcess> | undefined
  let isWanted = true

  const start = async () => {
    const started = (current = launch())
    const server = await started
    server.ended.then(() => restart(server)).catch(report)
  }
  const report = (error: unknown) => log(error instanceof Error ? error.message : String(error))
  const restart = async (dead: ServerProcess) => {
    dead.release()
    for (let pauseMs = 500; isWanted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      log(`${name} ended by itself (see ${logsDir}); starting it again`)
      await sleep(pauseMs)
      if (!isWanted) return
      try {
        await start()
        log(`${name} is back`)
        return
      } catch (error) {
        report(error)
      }
    }
  }
  const end = async (how: 'stop' | 'kill') => {
    isWanted = false
    const server = await current?.catch(() => undefined)
    await server?.[how]()
  }
  return { start, stop: () => end('stop'), kill: () => end('kill') }
}
