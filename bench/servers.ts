import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker'
import type { Database } from '../platform/database.ts'
import { createDatabase } from '../platform/database.ts'
import { startPostgres } from '../platform/embedded/postgres.ts'
import { startTemporalServer } from '../platform/embedded/temporal-server.ts'
import { startWatchdog } from '../platform/embedded/watchdog.ts'
import { applyMigrations } from '../platform/migrate.ts'

export interface BenchServers {
  readonly homeDir: string
  readonly namespace: string
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly database: Database
  readonly client: Client
  readonly connection: NativeConnection
  stop(): Promise<void>
}

/** As many as the product's worker has. */
const maxDatabaseConnections = 20
const namespace = 'default'

// Before the first connection, which would install one that logs more and keeps Ctrl-C to itself.
Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] })

/** The servers of `npm start` in a folder of their own, keeping their state on disk as those do. */
export async function startBenchServers(): Promise<BenchServers> {
  const homeDir = await mkdtemp(join(tmpdir(), 'daybook-bench-'))
  // PostgreSQL may run under an account of its own.
  await chmod(homeDir, 0o755)
  const watchdog = startWatchdog()
  const options = {
    ...{ homeDir, watchdog, temporaryDir: homeDir, usesAnyPort: true },
    log: (line: string) => console.error(line),
  }
  const postgres = await startPostgres(options)
  const temporal = await startTemporalServer(options)
  const database = createDatabase(postgres.url, maxDatabaseConnections)
  await applyMigrations(database)
  const clientConnection = await Connection.connect({ address: temporal.address })
  const connection = await NativeConnection.connect({ address: temporal.address })
  const stop = async () => {
    await connection.close()
    await clientConnection.close()
    await database.end()
    await Promise.all([postgres.process.stop(), temporal.process.stop()])
    watchdog.close()
    await rm(homeDir, { recursive: true, force: true })
  }
  const client = new Client({ connection: clientConnection, namespace })
  const addresses = { databaseUrl: postgres.url, temporalAddress: temporal.address }
  return { homeDir, namespace, ...addresses, database, client, connection, stop }
}
