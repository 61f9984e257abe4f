import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDatabase } from '../../platform/database.ts'
import { loadConfig } from '../../platform/config.ts'
import { chooseFreePort } from '../../platform/embedded/free-port.ts'
import { recallPostgres, rememberPostgres } from '../../platform/embedded/postgres-memory.ts'
import { isAlive } from '../../platform/embedded/process-identity.ts'
import { findStack } from '../../platform/embedded/find-stack.ts'
import type { EmbeddedState } from '../../platform/embedded/state-file.ts'
import { readState } from '../../platform/embedded/state-file.ts'

// Servers start and recover here while other files keep both cores busy.
vi.setConfig({ testTimeout: 180_000 })

interface Running {
  child: ChildProcess
  databaseUrl: string
  temporalAddress: string
  ownerPid: number | null
}

let homeDir: string
let children: ChildProcess[] = []

beforeEach(async () => {
  homeDir = await newHome('stack')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGTERM')
  await Promise.all(children.map(waitForExit))
  children = []
  await rm(homeDir, { recursive: true, force: true })
})

async function newHome(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `daybook-${name}-`))
  await chmod(folder, 0o755)
  return folder
}

const script = join(import.meta.dirname, '..', 'support', 'run-stack.ts')

async function start(home = homeDir): Promise<Running> {
  const child = spawn(process.execPath, [script, home], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  const output = await new Promise<string>((resolve, reject) => {
    let errors = ''
    child.stderr.on('data', (chunk) => (errors += String(chunk)))
    child.stdout.once('data', (chunk) => resolve(String(chunk)))
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${errors}`)))
  })
  return { child, ...(JSON.parse(output) as Omit<Running, 'child'>) }
}

async function waitForExit(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  return new Promise((resolve) => child.once('exit', resolve))
}

async function stop({ child }: Running): Promise<number | null> {
  child.kill('SIGTERM')
  return waitForExit(child)
}

async function currentState(): Promise<EmbeddedState> {
  const state = await readState(homeDir)
  if (state === undefined) throw new Error('no state')
  return state
}

async function isGone(pid: number | undefined): Promise<boolean> {
  if (pid === undefined) throw new Error('no pid')
  if (!isAlive(pid)) return true
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ' Z ')
  return status.includes(' Z ')
}

async function eventually(holds: () => Promise<boolean>, limitMs = 20_000): Promise<boolean> {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(50)) {
    if (await holds()) return true
  }
  return false
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const database = createDatabase(url, 1)
  try {
    return (await database.query<Record<string, unknown>>(sql)).rows
  } finally {
    await database.end()
  }
}

test('what was written is there after a stop and a second start, on the same ports', async () => {
  const first = await start()
  await query(first.databaseUrl, 'create table kept as select 42 as answer')
  expect(await stop(first)).toBe(0)
  expect(await readState(homeDir)).toBeUndefined()
  const second = await start()
  expect(second.databaseUrl).toBe(first.databaseUrl)
  expect(second.temporalAddress).toBe(first.temporalAddress)
  expect(await query(second.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  await stop(second)
})

test('the password is random, kept in a file only its owner reads, and in no log', async () => {
  await stop(await start())
  const file = join(homeDir, 'postgres.json')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const { password } = JSON.parse(await readFile(file, 'utf8')) as { password: string }
  expect(password).toMatch(/^[\w-]{32}$/)
  const log = await readFile(join(homeDir, 'logs', 'postgres.log'), 'utf8')
  expect(log).not.toContain(password)
})

test('a start beside a running one uses its servers and leaves them running', async () => {
  const first = await start()
  const second = await start()
  expect(second.ownerPid).toBe(first.child.pid)
  expect(second.databaseUrl).toBe(first.databaseUrl)
  await stop(second)
  expect(await query(first.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  await stop(first)
})

test('kill -9 of the parent leaves no server behind, and the next start works', async () => {
  const first = await start()
  await query(first.databaseUrl, 'create table kept as select 42 as answer')
  const { postgres, temporal } = await currentState()
  first.child.kill('SIGKILL')
  expect(await eventually(() => isGone(postgres?.pid))).toBe(true)
  expect(await eventually(() => isGone(temporal?.pid))).toBe(true)
  const second = await start()
  expect(await query(second.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  await stop(second)
})

test('a start right after kill -9 of the parent ends the leftovers and owns the home', async () => {
  const first = await start()
  await query(first.databaseUrl, 'create table kept as select 42 as answer')
  first.child.kill('SIGKILL')
  const second = await start()
  expect(second.ownerPid).toBeNull()
  expect(await query(second.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  await stop(second)
})

test('two starts at the same moment: one owns the servers, the other uses them', async () => {
  const both = await Promise.all([start(), start()])
  const owners = both.filter((running) => running.ownerPid === null)
  expect(owners).toHaveLength(1)
  expect(both[0].databaseUrl).toBe(both[1].databaseUrl)
  await Promise.all(both.map(stop))
})

test('homes that start at the same moment each get servers of their own', async () => {
  const homes = await Promise.all(['one', 'two', 'three'].map(newHome))
  const all = await Promise.all(homes.map((home) => start(home)))
  expect(new Set(all.map((running) => running.databaseUrl)).size).toBe(homes.length)
  expect(new Set(all.map((running) => running.temporalAddress)).size).toBe(homes.length)
  for (const { databaseUrl } of all)
    await query(databaseUrl, 'create table mine as select 1 as one')
  expect(await Promise.all(all.map(stop))).toEqual(homes.map(() => 0))
  await Promise.all(homes.map((home) => rm(home, { recursive: true, force: true })))
})

test('a server that is killed comes back by itself', async () => {
  const running = await start()
  const before = await currentState()
  process.kill(before.postgres?.pid ?? 0, 'SIGKILL')
  process.kill(before.temporal?.pid ?? 0, 'SIGKILL')
  const isBack = async () => {
    const now = await currentState()
    const isOther =
      now.postgres?.pid !== before.postgres?.pid && now.temporal?.pid !== before.temporal?.pid
    return isOther && (await query(running.databaseUrl, 'select 1').catch(() => [])).length === 1
  }
  expect(await eventually(isBack)).toBe(true)
  const after = await currentState()
  expect(after.postgres?.port).toBe(before.postgres?.port)
  expect(after.temporal?.port).toBe(before.temporal?.port)
  expect(await stop(running)).toBe(0)
})

test('a port that another program has taken is replaced by a free one', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const taken = (other.address() as AddressInfo).port
  await stop(await start())
  const memory = await recallPostgres(homeDir)
  if (memory === undefined) throw new Error('nothing remembered')
  await rememberPostgres(homeDir, { ...memory, port: taken })
  const running = await start()
  expect(new URL(running.databaseUrl).port).not.toBe(String(taken))
  await stop(running)
  await new Promise((resolve) => other.close(resolve))
})

test('a broken state folder is refused with the cause and a remedy', async () => {
  await mkdir(join(homeDir, 'postgres', 'data'), { recursive: true })
  await writeFile(join(homeDir, 'postgres', 'data', 'something'), 'else')
  await expect(start()).rejects.toThrow(/is no PostgreSQL data folder[^]*Remedy: move it away/)
  expect(await readState(homeDir)).toBeUndefined()
})

test('a file in the place of the home folder is refused with the cause and a remedy', async () => {
  const file = join(homeDir, 'a-file')
  await writeFile(file, '')
  await expect(start(file)).rejects.toThrow(/Cannot use .*a-file[^]*Remedy:/)
})

test.runIf(process.getuid?.() === 0)(
  'root can start it in a home folder that no other user may enter',
  async () => {
    const secret = await mkdtemp(join(tmpdir(), 'daybook-private-'))
    await chmod(secret, 0o700)
    const running = await start(join(secret, 'clone', '.daybook'))
    expect(await query(running.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
    await stop(running)
    const memory = await readFile(join(secret, 'clone', '.daybook', 'postgres.json'), 'utf8')
    const { dataDir } = JSON.parse(memory) as { dataDir: string }
    expect(dataDir.startsWith(secret)).toBe(false)
    await rm(dirname(dataDir), { recursive: true, force: true })
    await rm(secret, { recursive: true, force: true })
  },
)

test('with nothing running, findStack says how to start it', async () => {
  const config = loadConfig({ DAYBOOK_HOME: homeDir })
  await expect(findStack(config)).rejects.toThrow(/No PostgreSQL is running[^]*npm start/)
})

test('settings that point to servers elsewhere need nothing to be started', async () => {
  const config = loadConfig({
    DAYBOOK_HOME: homeDir,
    DATABASE_URL: 'postgres://db.example/daybook',
    TEMPORAL_ADDRESS: 'temporal.example:7233',
  })
  expect(await findStack(config)).toEqual({
    databaseUrl: 'postgres://db.example/daybook',
    temporalAddress: 'temporal.example:7233',
    temporalUiUrl: undefined,
  })
})

test('a free port is found when all preferred ones are taken', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const taken = (other.address() as AddressInfo).port
  const chosen = await chooseFreePort([taken])
  expect(chosen).not.toBe(taken)
  await new Promise((resolve) => other.close(resolve))
})
