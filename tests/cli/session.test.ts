import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Interrupted, withSession } from '../../cli/session.ts'
import { readState } from '../../platform/embedded/state-file.ts'

let home = ''

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'daybook-session-'))
  await chmod(home, 0o755)
})

afterEach(async () => {
  // A session leaves the channel to its parent unheld; to the process of these tests it is vitest's.
  process.channel?.ref()
  await rm(home, { recursive: true, force: true })
})

test('what was added last ends first, also when the work fails', async () => {
  const ended: string[] = []
  const add = (name: string) => ({ stop: async () => ended.push(name) })
  const failing = withSession(
    () => undefined,
    async (session) => {
      session.add(add('servers'))
      session.add(add('worker'))
      throw new Error('no day was booked')
    },
  )
  await expect(failing).rejects.toThrow('no day was booked')
  expect(ended).toEqual(['worker', 'servers'])
})

test('after Ctrl-C the work is left, all is ended, and nothing more can be started', async () => {
  const ended: string[] = []
  let lateAdd: unknown
  const interrupted = withSession(
    () => undefined,
    async (session) => {
      session.add({ stop: async () => ended.push('servers') })
      process.emit('SIGINT')
      await sleep(20)
      try {
        session.add({ stop: async () => ended.push('worker') })
      } catch (error) {
        lateAdd = error
      }
    },
  )
  await expect(interrupted).rejects.toThrow(Interrupted)
  await sleep(50)
  expect(lateAdd).toBeInstanceOf(Interrupted)
  expect(ended).toEqual(['servers'])
})

test('Ctrl-C while the servers start ends them too: 130', async () => {
  const env = { ...process.env, DAYBOOK_HOME: home, LANDING_DIR: join(home, 'incoming') }
  const launcher = join(import.meta.dirname, '..', '..', 'bin', 'daybook.js')
  const child = spawn(process.execPath, [launcher, 'up'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await sleep(200)
  child.kill('SIGINT')
  const code = await new Promise((resolve) => child.once('exit', resolve))
  expect(code).toBe(130)
  expect(await readState(home)).toBeUndefined()
})
