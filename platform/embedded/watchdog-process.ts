// The process behind watchdog.ts. Reads a message a line from standard input; when that closes,
// ends what it still watches.
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { endProcess } from './process-identity.ts'
import type { WatchedProcess } from './watchdog.ts'
import { WatchdogMessage } from './watchdog.ts'

const patienceMs = 15_000
const watched = new Map<number, WatchedProcess>()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const message = WatchdogMessage.parse(JSON.parse(line))
  if ('watch' in message) watched.set(message.watch.pid, message.watch)
  else watched.delete(message.forget)
})
lines.on('close', () => {
  Promise.all([...watched.values()].map(endWatched)).catch(() => undefined)
})

async function endWatched(process: WatchedProcess): Promise<void> {
  await endProcess(process, process.signals, patienceMs)
  if (process.temporaryDir === undefined) return
  await rm(process.temporaryDir, { recursive: true, force: true })
}
