import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { glob, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isRunning, pause, sawInDatabase, writingTasks } from './aim.ts'
import type { MailMood } from './mail-server.ts'
import { eventually } from './persist.ts'
import type { Scenario, Strike } from './round.ts'

const run = promisify(execFile)

/** The heartbeat of a task times out after 30 seconds; the next try may wait five more. */
const takeOverLimitMs = 90_000

export const frozenWorker: Scenario = {
  name: 'frozen_worker',
  faults: 'a worker stopped past its heartbeat while another goes on with its tasks, then thawed',
  async strike(on) {
    await on.servers.addWorker()
    for (let turn = 0; turn < on.kills; turn += 1) {
      const taskId = on.random.pick(writingTasks)
      if (!(await sawInDatabase(on, isRunning(taskId)))) return
      await freezeOne(on, taskId)
    }
  },
}

interface HeldTask {
  readonly runId: string
  readonly taskId: string
  readonly attempt: number
}

/** Whoever runs the task is frozen until a later try of every task that it held has begun elsewhere. */
async function freezeOne({ servers, signal, ...on }: Strike, taskId: string): Promise<void> {
  const { database, workers } = servers
  const running = await database.query<{ worker: string }>(
    `select worker from audit.task_runs where task_id = $1 and state = 'running'`,
    [taskId],
  )
  const pids = running.rows.map(({ worker }) => Number(worker.split('@')[0]))
  const frozen = workers.find((worker) => pids.includes(worker.pid() ?? -1))
  if (frozen === undefined || !frozen.signal('SIGSTOP')) return
  on.tell(`freeze a worker in ${taskId}`)
  try {
    const held = await database.query<HeldTask>(
      `select run_id as "runId", task_id as "taskId", attempt from audit.task_runs
       where state = 'running' and worker like $1`,
      [`${frozen.pid()}@%`],
    )
    const isTakenOver = () => areTakenOver(servers.database, held.rows)
    if (await eventually(isTakenOver, takeOverLimitMs, signal)) return
    if (!signal.aborted)
      throw new Error(`nobody took over what the worker frozen in ${taskId} held`)
  } finally {
    frozen.signal('SIGCONT')
  }
}

/** Another worker has ended each of the tasks, well or badly, while theirs was frozen. */
async function areTakenOver(
  database: Strike['servers']['database'],
  held: readonly HeldTask[],
): Promise<boolean> {
  for (const { runId, taskId, attempt } of held) {
    const { rowCount } = await database.query(
      `select from audit.task_runs
       where run_id = $1 and task_id = $2 and attempt > $3 and state in ('success', 'failed')`,
      [runId, taskId, attempt],
    )
    if (rowCount === 0) return false
  }
  return true
}

const moods: readonly MailMood[] = ['down', 'slow', 'refuses', 'drops', 'takes']

export const badMailServer: Scenario = {
  name: 'bad_mail_server',
  faults: 'a mail server that is down, slow, refuses for now, or takes a mail and breaks off',
  async strike({ servers, random, signal, ...on }) {
    while (!signal.aborted) {
      const mood = random.pick(moods)
      await servers.mail.setMood(mood)
      on.tell(`mail server ${mood}`)
      await pause(random.between(500, 3_000), signal)
    }
  },
}

const diskMegabytes = 600
const postgresFolder = (homeDir: string) => join(homeDir, 'postgres')

export const fullDisk: Scenario = {
  name: 'disk_full',
  faults: 'the disk of PostgreSQL full, tables and log, then free again',
  async missing() {
    if (process.platform === 'linux' && process.getuid?.() === 0) return undefined
    return 'a small disk of its own is a tmpfs that only root of a Linux system can mount'
  },
  servers: {
    async prepareHome(homeDir) {
      const folder = postgresFolder(homeDir)
      await mkdir(folder)
      await run('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m,mode=755`, 'tmpfs', folder])
    },
  },
  clearHome: async (homeDir) => void (await run('umount', [postgresFolder(homeDir)])),
  async strike({ servers, random, signal, kills, ...on }) {
    const ballast = join(postgresFolder(servers.homeDir), 'ballast')
    for (let turn = 0; turn < kills && !signal.aborted; turn += 1) {
      await pause(random.between(1_000, 4_000), signal)
      await fillDisk(ballast)
      on.tell('fill the disk of PostgreSQL')
      await pause(random.between(2_000, 5_000), signal)
      await rm(ballast)
    }
  },
}

/** Writes until there is no space left. */
async function fillDisk(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (const block of [1_000_000, 4_096]) await writeUntilFull(file, Buffer.alloc(block))
  } finally {
    await file.close()
  }
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, block: Buffer) {
  for (;;) {
    try {
      await file.write(block)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
      throw error
    }
  }
}

/** Names libfaketime.so.1 where it lies in none of the usual places. */
const faketimeVariable = 'LIBFAKETIME'

async function findFaketime(): Promise<string | undefined> {
  const named = process.env[faketimeVariable]
  if (named !== undefined && existsSync(named)) return named
  for await (const path of glob('/usr/lib/{*/,}faketime/libfaketime.so.1')) return path
  return undefined
}

const faketime = await findFaketime()
const clockFile = (folder: string) => join(folder, 'clock')
const steps = ['+1h', '-1h', '+1d', '-1d', '+0'] as const
/** Of all rounds of this process: the worker is told its path before there is a home folder. */
const clockFolder = `/tmp/daybook-chaos-clock-${process.pid}`

export const clockSteps: Scenario = {
  name: 'clock_steps',
  faults: 'the clock of the worker jumps by an hour and by a day, forth and back',
  async missing() {
    if (faketime !== undefined) return undefined
    return `there is no libfaketime (a Debian package; ${faketimeVariable} may name its file)`
  },
  servers: {
    prepareHome: async () => {
      await mkdir(clockFolder, { recursive: true })
      await writeFile(clockFile(clockFolder), '+0\n')
    },
    workerEnvironment: {
      LD_PRELOAD: faketime,
      FAKETIME_TIMESTAMP_FILE: clockFile(clockFolder),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  },
  clearHome: () => rm(clockFolder, { recursive: true, force: true }),
  async strike({ random, signal, ...on }) {
    while (!signal.aborted) {
      await pause(random.between(500, 2_500), signal)
      const step = random.pick(steps)
      await writeFile(clockFile(clockFolder), `${step}\n`)
      on.tell(`set the clock of the worker to ${step}`)
    }
  },
}
