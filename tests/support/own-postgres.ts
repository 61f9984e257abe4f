import { mkdtempSync } from 'node:fs'
import { chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase } from '../../platform/database.ts'
import { startPostgres } from '../../platform/embedded/postgres.ts'
import { startWatchdog } from '../../platform/embedded/watchdog.ts'
import { applyMigrations } from '../../platform/migrate.ts'

/** A PostgreSQL of the test's own, which may be taken away from whoever uses it. */
export async function startOwnPostgres() {
  const homeDir = mkdtempSync(join(tmpdir(), 'daybook-own-postgres-'))
  await chmod(homeDir, 0o755)
  const watchdog = startWatchdog()
  const options = {
    ...{ homeDir, watchdog, temporaryDir: homeDir, usesAnyPort: true },
    log: () => undefined,
  }
  let server = await startPostgres(options)
  const { url, port } = server
  const db = createDatabase(url)
  await applyMigrations(db)
  return {
    url,
    db,
    port,
    /** Immediate shutdown: nobody is told, and the next start recovers. */
    async takeAway() {
      process.kill(server.process.pid, 'SIGQUIT')
      await server.process.ended
      server.process.release()
    },
    async bringBack() {
      server = await startPostgres({ ...options, fixedPort: port })
    },
    /** Ends the server and removes its data. */
    async drop() {
      await db.end()
      await server.process.kill()
      watchdog.close()
      await rm(homeDir, { recursive: true, force: true })
    },
  }
}
