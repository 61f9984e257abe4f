// Starts the embedded servers of the home folder given, prints what is up, stays until SIGTERM.
import { loadConfig } from '../../platform/config.ts'
import { startStack } from '../../platform/embedded/stack.ts'

const homeDir = process.argv[2]
if (homeDir === undefined) throw new Error('usage: run-stack.ts HOME')
const config = loadConfig({ DAYBOOK_HOME: homeDir })
// Listening before anything is said: whoever reads the line may stop it at once.
const stopped = new Promise<void>((resolve) => {
  const waiting = setInterval(() => undefined, 60_000)
  process.once('SIGTERM', () => resolve(clearInterval(waiting)))
})
try {
  const stack = await startStack(config, (line) => console.error(line))
  const { databaseUrl, temporalAddress, ownerPid } = stack
  console.log(JSON.stringify({ databaseUrl, temporalAddress, ownerPid: ownerPid ?? null }))
  await stopped
  await stack.stop()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(3)
}
