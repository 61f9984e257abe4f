import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { z } from 'zod'

/** A pid alone may belong to someone else after a crash; with its start time it does not. */
export const ProcessIdentity = z.object({ pid: z.int().positive(), startMark: z.string() })
export type ProcessIdentity = z.infer<typeof ProcessIdentity>

export async function identifyProcess(pid: number): Promise<ProcessIdentity> {
  return { pid, startMark: await readStartMark(pid) }
}

export async function isStillRunning({ pid, startMark }: ProcessIdentity): Promise<boolean> {
  return isAlive(pid) && (await readStartMark(pid)) === startMark
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Sends `signals` one after the other, `patienceMs` apart, until the process is gone. */
export async function endProcess(
  identity: ProcessIdentity,
  signals: NodeJS.Signals[],
  patienceMs: number,
): Promise<void> {
  for (const signal of signals) {
    if (!(await isStillRunning(identity))) return
    sendSignal(identity.pid, signal)
    const deadline = Date.now() + patienceMs
    while (Date.now() < deadline && (await isRunningUnreaped(identity.pid))) await sleep(25)
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself in between.
  }
}

async function isRunningUnreaped(pid: number): Promise<boolean> {
  return isAlive(pid) && (await readStartMark(pid)) !== ended
}

const ended = 'ended'

async function readStartMark(pid: number): Promise<string> {
  if (process.platform === 'linux') return readLinuxStartMark(pid)
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)])
    return stdout.trim() === '' ? ended : stdout.trim()
  } catch {
    return ended
  }
}

/** Fields 3 (state) and 22 (start time in ticks since boot) of /proc/PID/stat, after the name. */
async function readLinuxStartMark(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? ended : (fields[19] ?? ended)
  } catch {
    return ended
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
