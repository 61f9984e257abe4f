import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands, nameOf } from '../../cli/commands.ts'
import { runCli } from '../support/run-cli.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'

let home = ''
let settings: Record<string, string> = {}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'daybook-cli-'))
  settings = { DAYBOOK_HOME: join(home, 'state'), LANDING_DIR: join(home, 'incoming') }
})

afterAll(() => rm(home, { recursive: true, force: true }))

describe('help', () => {
  test('daybook --help lists every command and the exit codes', async () => {
    const { code, stdout } = await runCli(['--help'])
    expect(code).toBe(0)
    for (const { usage } of commands) expect(stdout).toContain(`\n  ${usage} `)
    expect(stdout).toContain('Exit codes: 0 done')
  })

  test.each(commands)('daybook $usage: its --help explains it, with --json', async (command) => {
    const { usage, description } = command
    const { code, stdout } = await runCli([nameOf(command), '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`Usage: daybook ${usage}`)
    expect(stdout).toContain(description)
    expect(stdout).toContain('--json')
  })

  test('daybook help COMMAND says the same', async () => {
    expect(await runCli(['help', 'resume'])).toEqual(await runCli(['resume', '--help']))
  })
})

describe('a command loads what it needs', () => {
  /** Says on standard error which modules of packages are loaded. */
  const telling = `import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) {
      if (url.includes('/node_modules/')) console.error(url)
      return next(url, context)
    } })`
  const packagesOf = async (...args: string[]) => {
    const hook = `data:text/javascript,${encodeURIComponent(telling)}`
    const { code, stderr } = await runCli(args, { NODE_OPTIONS: `--import=${hook}` })
    expect(code).toBe(0)
    const loaded = stderr.matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)
    return new Set([...loaded].map((match) => match[1]))
  }

  test('the list of commands nothing but its parser', async () => {
    expect([...(await packagesOf('--help'))]).toEqual(['commander'])
  })

  test('one that asks the database alone, nothing of Temporal', async () => {
    const packages = await packagesOf('runs', '--help')
    expect(packages).toContain('pg')
    expect([...packages].filter((name) => name?.startsWith('@temporalio'))).toEqual([])
  })

  test('a run nothing of a worker, the generator or mail', async () => {
    const packages = await packagesOf('run', '--help')
    expect(packages).toContain('@temporalio/client')
    const heavy = ['@temporalio/worker', '@temporalio/core-bridge', '@temporalio/workflow']
    for (const name of [...heavy, '@temporalio/testing', '@faker-js/faker', 'nodemailer']) {
      expect(packages).not.toContain(name)
    }
  })
})

describe('exit codes', () => {
  test.each([
    [['nonsense']],
    [['runs', '--from', '2025-02-30']],
    [['runs', '--state', 'asleep']],
    [['run', '13/12/2025']],
    [['run', '2025-12-13', '--dag', 'Not A Dag']],
    [['run', '2025-12-13', '--dag', 'no_such_dag']],
    [['backfill', '2025-12-13']],
    [['backfill', '2025-12-14', '2025-12-13']],
    [['backfill', '2999-01-01', '2999-01-02', '--dry-run']],
    [['backfill', '2025-12-13', '2025-12-14', '--params', '{"colour":"red"}']],
    [['backfill', '2025-12-13', '2025-12-14', '--concurrency', '101']],
    [['quarantine', '--limit', '0']],
    [['show']],
  ])('%j makes no sense: 2', async (args) => {
    const { code, stderr } = await runCli(args, settings)
    expect(stderr).toMatch(/error:|before/)
    expect(code).toBe(2)
  })

  test('a setting that makes no sense: 2, and every one is named', async () => {
    const bad = { ...settings, DATABASE_URL: 'mysql://x', TEMPORAL_ADDRESS: 'nowhere' }
    const { code, stderr } = await runCli(['runs'], bad)
    expect(code).toBe(2)
    expect(stderr).toContain('DATABASE_URL')
    expect(stderr).toContain('TEMPORAL_ADDRESS')
  })

  test.each([['runs'], ['show'], ['run'], ['quarantine']])(
    'with nothing running, daybook %s says how to start it: 3',
    async (command) => {
      const args = ['show', 'run'].includes(command) ? [command, '2025-12-13'] : [command]
      const { code, stderr } = await runCli(args, settings)
      expect(code).toBe(3)
      expect(stderr).toContain('npm start')
    },
  )

  test('a database that does not answer: 3, without the password', async () => {
    const url = 'postgres://daybook:very-secret@127.0.0.1:1/daybook'
    const { code, stderr } = await runCli(['runs'], { ...settings, DATABASE_URL: url })
    expect(code).toBe(3)
    expect(stderr).toContain('daybook doctor')
    expect(stderr).not.toContain('very-secret')
  })
})

describe('doctor', () => {
  test('says that nothing is running, which is no failure', async () => {
    const { code, stdout } = await runCli(['doctor', '--json'], settings)
    const findings = JSON.parse(stdout) as { name: string; state: string }[]
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([])
    expect(findings).toContainEqual(expect.objectContaining({ name: 'Temporal', state: 'note' }))
    expect(code).toBe(0)
  })

  test('fails with a remedy for each server that does not answer', async () => {
    const dead = {
      ...settings,
      DATABASE_URL: 'postgres://daybook:very-secret@127.0.0.1:1/daybook',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      SMTP_URL: 'smtp://127.0.0.1:1',
    }
    const { code, stdout } = await runCli(['doctor'], dead)
    expect(code).toBe(1)
    for (const name of ['PostgreSQL', 'Temporal', 'mail']) {
      expect(stdout).toMatch(new RegExp(`FAILED  ${name} .*\\n +Remedy: `))
    }
    expect(stdout).not.toContain('very-secret')
  })

  test('finds running servers in order', async () => {
    const database = await testDatabase()
    const temporal = await testTemporal()
    const mail = createServer((socket) => {
      socket.write('220 ready\r\n')
      socket.on('data', (line) =>
        socket.write(/^quit/i.test(String(line)) ? '221 bye\r\n' : '250 ok\r\n'),
      )
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => mail.once('listening', resolve))
    const { stdout, code } = await runCli(['doctor'], {
      ...settings,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      SMTP_URL: `smtp://127.0.0.1:${(mail.address() as AddressInfo).port}`,
    })
    mail.close()
    expect(stdout).toMatch(/ok +PostgreSQL +18/)
    expect(stdout).toContain('All is well.')
    expect(code).toBe(0)
    await temporal.close()
    await database.drop()
  })
})
