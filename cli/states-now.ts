import type { Client } from '@temporalio/client'
import { explainUpstream } from '../dag/decide-task.ts'
import type { Graph } from '../dag/graph.ts'
import { notYet } from '../dag/retry-delay.ts'
import type { TaskStates, TaskStatus } from '../dag/task-state.ts'
import type { PendingTry } from '../platform/pending-tries.ts'
import { readPendingTries } from '../platform/pending-tries.ts'
import { describeExecution } from '../platform/read-ledger.ts'
import { withClient } from './connect.ts'
import { failureMessage } from './failure-message.ts'
import { instant } from './print.ts'
import type { AttemptRow, RecordedRun } from './recorded-run.ts'
import { statesOf } from './recorded-run.ts'

/** For connecting and asking together. */
const longestAnswerMs = 5_000

type AskedRun = Pick<RecordedRun, 'run_key' | 'graph' | 'ended_at' | 'task_states'>

/**
 * The states of a run's tasks. A run that goes on is asked, and the server for what waits for its next
 * try; where neither answers, it is what attempts tell, with a word on standard error.
 */
export async function readStates(
  run: AskedRun,
  attempts: readonly AttemptRow[],
): Promise<TaskStates> {
  if (run.ended_at !== null) return statesOf(run, attempts, false)
  const giveUpAt = Date.now() + longestAnswerMs
  try {
    return await withClient(async (client) => {
      const asked = await askRun(client, run, giveUpAt)
      return asked ?? statesOf(run, attempts, await mayGoOn(client, run, giveUpAt))
    }, longestAnswerMs)
  } catch (error) {
    const why = error instanceof Error ? failureMessage(error) : String(error)
    console.error(`${run.run_key} gave no answer, the states are those of its attempts: ${why}`)
    return statesOf(run, attempts, true)
  }
}

/** Not one that was terminated; one that this server does not know may go on elsewhere. */
async function mayGoOn(client: Client, { run_key }: AskedRun, giveUpAt: number): Promise<boolean> {
  const execution = await client.connection.withDeadline(giveUpAt, () =>
    describeExecution(client, run_key),
  )
  return execution?.isOpen !== false
}

/** Undefined when the run does not go on, or has not begun. @throws when it is not told by `giveUpAt` */
export function askRun(
  client: Client,
  { run_key, graph }: Pick<AskedRun, 'run_key' | 'graph'>,
  giveUpAt = Date.now() + longestAnswerMs,
): Promise<TaskStates | undefined> {
  return client.connection.withDeadline(giveUpAt, async () => {
    const tries = await readPendingTries(client, run_key)
    if (tries === undefined) return undefined
    const states = await client.workflow.getHandle(run_key).query<TaskStates>('state')
    return Object.keys(states).length === 0 ? undefined : withTries(graph, states, tries)
  })
}

/** What the run says, with what only the server knows: the tries that its tasks and instances wait for. */
export function withTries(
  graph: Graph,
  states: TaskStates,
  tries: readonly PendingTry[],
): TaskStates {
  const waiting = tries.flatMap((pending) => {
    const task = graph.tasks.find(({ id }) => id === pending.activityId.replace(/\[\d+\]$/, ''))
    const status = task && statusOf(pending, task.retries)
    return status === undefined ? [] : [[pending.activityId, status] as const]
  })
  const now: Record<string, TaskStatus> = { ...states }
  for (const [id, status] of waiting) {
    // The run may have stopped it, or lets nothing of it count any more.
    if (states[id] === undefined || states[id].state === 'running') {
      now[id] = { ...states[id], ...status }
    }
  }
  for (const task of graph.tasks) {
    const status = states[task.id]
    if (status?.state !== 'none' || status.reason !== explainUpstream(task, states)) continue
    now[task.id] = { ...status, reason: explainUpstream(task, now) }
  }
  return now
}

/** Undefined for what says nothing that the run does not say. */
function statusOf(
  { attempt, maximumAttempts, nextAt, lastError }: PendingTry,
  retries: number,
): TaskStatus | undefined {
  if (nextAt === undefined || lastError === undefined) return undefined
  const { type, message } = lastError
  const error = type === '' || type === 'Error' ? message : `${type}: ${message}`
  const until = `${instant(nextAt)} UTC`
  if (type === notYet) return { state: 'running', reason: `looks again at ${until}: ${message}` }
  if (maximumAttempts === 0)
    return { state: 'up_for_retry', reason: `waits until ${until}: ${error}` }
  const number = attempt + retries + 1 - maximumAttempts
  const which = `try ${number} of ${retries + 1}`
  return { state: 'up_for_retry', reason: `waits until ${until} for ${which}: ${error}` }
}
