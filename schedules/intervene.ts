import type { Client, WorkflowHandle } from '@temporalio/client'
import {
  ApplicationFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client'
import { runHasEnded } from '../dag/plan-clear.ts'
import type { LivePlan } from '../dag/plan-live.ts'
import type { PlanAnswer } from '../dag/run-loop/interventions.ts'
import { describeExecution } from '../platform/read-ledger.ts'

/** What was asked of a run makes no sense for it, and nothing has changed. */
export class InterventionRefused extends Error {
  override name = 'InterventionRefused'
}

/** One execution of a run key that goes on. */
export interface LiveRun {
  readonly runKey: string
  readonly runId: string
  readonly handle: WorkflowHandle
}

/** What to do with a run that goes on, and with one that does not; undefined if it is the other by now. */
export interface EitherWay<Answer> {
  readonly live: (run: LiveRun) => Promise<Answer | undefined>
  readonly ended: () => Promise<Answer | undefined>
}

/** A run may end, or begin again, several times while somebody looks; hardly as often as this. */
const maxLooks = 20

/** Looks at Temporal whether a run goes on, and looks again when that has changed meanwhile. */
export async function liveOrEnded<Answer>(
  client: Client,
  runKey: string,
  { live, ended }: EitherWay<Answer>,
): Promise<Answer> {
  for (let look = 0; look < maxLooks; look += 1) {
    const run = await findLiveRun(client, runKey)
    const answer = run === undefined ? await ended() : await live(run)
    if (answer !== undefined) return answer
  }
  throw new InterventionRefused(
    `${runKey} has ended and begun again ${maxLooks} times meanwhile: try again when it is quiet`,
  )
}

async function findLiveRun(client: Client, runKey: string): Promise<LiveRun | undefined> {
  const execution = await describeExecution(client, runKey)
  if (!execution?.isOpen) return undefined
  const { runId } = execution
  return { runKey, runId, handle: client.workflow.getHandle(runKey, runId) }
}

/**
 * Sends an update to a run; undefined when the run ended before it took it.
 * @throws InterventionRefused in the words of the run
 */
export async function updateRun<Answer>(
  { runKey, handle }: LiveRun,
  name: 'clear' | 'mark' | 'pause' | 'resume' | 'decide',
  input: object,
): Promise<{ answer: Answer } | undefined> {
  try {
    return { answer: await handle.executeUpdate<Answer, [object]>(name, { args: [input] }) }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    if (!(error instanceof WorkflowUpdateFailedError)) throw error
    const { cause } = error
    if (!(cause instanceof ApplicationFailure) || !isTooLate(cause)) {
      throw new InterventionRefused(`${runKey}: ${cause?.message ?? error.message}`)
    }
    await hasClosed(handle)
    return undefined
  }
}

/**
 * What a clear or a mark would do to a run; undefined when it has ended meanwhile.
 * @throws InterventionRefused in the words of the run
 */
export async function askPlan(
  { runKey, handle }: LiveRun,
  action: 'clear' | 'mark',
  input: object,
): Promise<LivePlan | undefined> {
  const answer = await handle.query<PlanAnswer, ['clear' | 'mark', object]>('plan', action, input)
  if (!('problem' in answer)) return answer
  if (!answer.hasEnded) throw new InterventionRefused(`${runKey}: ${answer.problem}`)
  await hasClosed(handle)
  return undefined
}

/** The server's own type is that of an update whose workflow ended while it was handled. */
function isTooLate({ type }: ApplicationFailure): boolean {
  return type === runHasEnded || type === 'AcceptedUpdateCompletedWorkflow'
}

/** A run that is judged still tells of its failure and writes its rows. */
function hasClosed(handle: WorkflowHandle): Promise<void> {
  return handle.result().then(
    () => undefined,
    () => undefined,
  )
}

/** What `start` makes of an ended run; undefined when somebody else has started it meanwhile. */
export async function unlessStarted<Handle>(
  start: () => Promise<Handle>,
): Promise<Handle | undefined> {
  try {
    return await start()
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined
    throw error
  }
}
