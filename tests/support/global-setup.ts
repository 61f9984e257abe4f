import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { chmod, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { createDatabase } from '../../platform/database.ts'
import { startPostgres } from '../../platform/embedded/postgres.ts'
import type { ServerProcess } from '../../platform/embedded/server-process.ts'
import { startTemporalServer } from '../../platform/embedded/temporal-server.ts'
import { startWatchdog } from '../../platform/embedded/watchdog.ts'
import { applyMigrations } from '../../platform/migrate.ts'
import type { TestPostgres, TestTemporalServer } from './servers.ts'

declare module 'vitest' {
  interface ProvidedContext {
    testServersUrl: string
    /** Of this run of the tests; gone at its end. */
    testFolder: string
    /** How many random histories the convergence test tries; see `npm run converge`. */
    convergence: { seed: number; histories: number }
  }
}

const namespaceCount = 200

/**
 * One PostgreSQL and one Temporal server for the whole run, each started when the first test asks
 * for it over HTTP, so that tests of pure code start at once. Killed with their watchdog at the end.
 */
export default async function setUpServers(project: TestProject): Promise<() => Promise<void>> {
  const homeDir = mkdtempSync(join(tmpdir(), 'daybook-test-'))
  await chmod(homeDir, 0o755)
  const servers: ServerProcess[] = []
  const watchdog = startWatchdog()
  const settings = {
    homeDir,
    log: () => undefined,
    watchdog,
    temporaryDir: homeDir,
    usesAnyPort: true,
  }
  const postgres = once(async () => {
    const server = await startPostgres({ ...settings, isDurable: false })
    servers.push(server.process)
    return prepareTemplate(server.url)
  })
  const namespaces = Array.from({ length: namespaceCount }, (_, index) => `test-${index}`)
  const temporal = once(async () => {
    const server = await startTemporalServer({ ...settings, namespaces, isDurable: false })
    servers.push(server.process)
    return server.address
  })
  const door = await listen(async (path): Promise<TestPostgres | TestTemporalServer> => {
    if (path === '/postgres') return postgres()
    const address = await temporal()
    const namespace = namespaces.pop()
    if (namespace === undefined) throw new Error(`raise namespaceCount (${namespaceCount})`)
    return { address, namespace }
  })
  project.provide('testFolder', homeDir)
  project.provide('testServersUrl', `http://127.0.0.1:${portOf(door)}`)
  return async () => {
    door.close()
    await Promise.all(servers.map((server) => server.kill()))
    watchdog.close()
    await rm(homeDir, { recursive: true, force: true })
  }
}

function once<T>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined
  return () => (started ??= start())
}

/** A database with all migrations, of which each test file gets a copy. */
async function prepareTemplate(url: string): Promise<TestPostgres> {
  const template = `template_${randomUUID().slice(0, 8)}`
  const admin = createDatabase(url, 1)
  await admin.query(`create database ${template}`)
  await admin.end()
  const templateUrl = new URL(url)
  templateUrl.pathname = template
  const database = createDatabase(templateUrl.href, 1)
  await applyMigrations(database)
  await database.end()
  return { url, template }
}

function listen(answer: (path: string) => Promise<unknown>): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request.url ?? '').then(
      (body) => response.end(JSON.stringify(body)),
      (error: unknown) => {
        response.statusCode = 500
        response.end(error instanceof Error ? error.message : String(error))
      },
    )
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return address.port
}
