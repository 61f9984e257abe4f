import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { JudgedDelivery, type JudgeJob } from '../platform/judged-delivery.ts'
import { CommandFailed } from './exit-codes.ts'

const judgeProcess = join(import.meta.dirname, '..', 'worker', 'judge-process.ts')

/**
 * Judges deliveries in a process of the worker's code, one after the other.
 * @throws CommandFailed when it ends before it has judged them all; the reason of the signal, which ends it
 */
export async function* judgeDeliveries(
  job: JudgeJob,
  signal: AbortSignal,
): AsyncGenerator<JudgedDelivery> {
  signal.throwIfAborted()
  const child = spawn(process.execPath, [judgeProcess], { stdio: ['pipe', 'pipe', 'inherit'] })
  const kill = () => child.kill()
  signal.addEventListener('abort', kill)
  // One that ends before it has read its job says so by what it did not judge.
  child.stdin.on('error', () => undefined)
  let judged = 0
  try {
    child.stdin.end(JSON.stringify(job))
    for await (const line of createInterface({ input: child.stdout })) {
      judged += 1
      yield JudgedDelivery.parse(JSON.parse(line))
    }
  } finally {
    signal.removeEventListener('abort', kill)
    child.kill()
  }
  signal.throwIfAborted()
  if (judged < job.deliveries.length) {
    throw new CommandFailed(`Only ${judged} of ${job.deliveries.length} deliveries were judged`)
  }
}
