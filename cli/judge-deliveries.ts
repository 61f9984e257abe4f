import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { JudgedDelivery, type JudgeJob } from '../platform/judged-delivery.ts'
import { CommandFailed } from './exit-codes.ts'

const judgeProcess = join(import.meta.dirname, '..', 'worker', 'judge-process.ts')

/**
 * Judges deliveries in a process of the worker's code, one after the other.
 * @throws CommandFailed when it ends before it has judged them all
 */
export async function* judgeDeliveries(job: JudgeJob): AsyncGenerator<JudgedDelivery> {
  const child = spawn(process.execPath, [judgeProcess], { stdio: ['pipe', 'pipe', 'inherit'] })
  let judged = 0
  try {
    child.stdin.end(JSON.stringify(job))
    for await (const line of createInterface({ input: child.stdout })) {
      judged += 1
      yield JudgedDelivery.parse(JSON.parse(line))
    }
  } finally {
    child.kill()
  }
  if (judged < job.deliveries.length) {
    throw new CommandFailed(`Only ${judged} of ${job.deliveries.length} deliveries were judged`)
  }
}
