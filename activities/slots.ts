import { ApplicationFailure } from '@temporalio/activity'
import type { Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/client'
import { slotsNotFree } from '../dag/retry-delay.ts'
import { failureTypes } from '../domain/failures.ts'
import type { Database } from '../platform/database.ts'
import type { Grant } from '../platform/slot-admission.ts'
import type { SlotRelease, SlotRequest } from '../platform/slots.ts'
import {
  claimHoldersToCheck,
  lookAtRequest,
  PoolTooSmallError,
  releaseSlots,
  requestSlots,
} from '../platform/slots.ts'

/** What a run asks for; a task that is not mapped has no index, a pool that nobody set 128 slots. */
export type SlotInput = Omit<SlotRequest, 'mapIndex' | 'poolSlots'> & {
  readonly mapIndex?: number | undefined
  readonly poolSlots?: number | undefined
}

export interface SlotDeps {
  readonly database: Database
  readonly client: Client
  /** Between two looks of a task that waits and was not told. */
  readonly pollIntervalMs?: number
}

interface Execution {
  readonly runId: string
  readonly workflowId: string
}

const defaultPoolSlots = 128
const defaultPollIntervalMs = 10_000

/** Slots of pools, and places among the active runs of a DAG. Repeatable. */
export function createSlotActivities({
  database,
  client,
  pollIntervalMs = defaultPollIntervalMs,
}: SlotDeps) {
  const ask = async (input: SlotInput): Promise<boolean> => {
    const { mapIndex = -1, poolSlots = defaultPoolSlots } = input
    const request = { ...input, mapIndex, poolSlots }
    const { isGranted, granted } = await requestSlots(database, request)
    await tellGranted(database, client, granted)
    return isGranted
  }

  const isGranted = async (input: SlotInput): Promise<boolean> => {
    const found = await lookAtRequest(database, input)
    return found === undefined ? ask(input) : found.isGranted
  }

  return {
    /**
     * Asks for slots; a run that gets none now is told later, by the signal `slots_granted`.
     * @throws PoolTooSmall (never retried) when the whole pool is smaller than the request
     */
    async requestSlots(input: SlotInput): Promise<{ isGranted: boolean }> {
      return { isGranted: await refusing(() => ask(input)) }
    },

    /** Gives slots back, or no longer waits for them: of one task, or of the whole run. */
    async releaseSlots(input: SlotRelease): Promise<void> {
      const { granted } = await releaseSlots(database, input)
      await tellGranted(database, client, granted)
    },

    /**
     * For a run that waits: returns when it has its slots, whether or not it was told. Gives back
     * what executions hold that were terminated, as nobody else does.
     * @throws SlotsNotFree, to be retried; PoolTooSmall (never retried) when the pool was made smaller
     */
    async awaitSlots(input: SlotInput): Promise<void> {
      if (await refusing(() => isGranted(input))) return
      const ended = await findEnded(
        client,
        await claimHoldersToCheck(database, input.pool, pollIntervalMs),
      )
      await releaseEnded(database, client, ended)
      if (await refusing(() => isGranted(input))) return
      throw await refusing(() => notFree(database, input, pollIntervalMs))
    },
  }
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof PoolTooSmallError)) throw error
    throw ApplicationFailure.nonRetryable(error.message, failureTypes.poolTooSmall)
  }
}

async function notFree(
  database: Database,
  { runId, taskId, pool, slots }: SlotInput,
  nextRetryDelay: number,
): Promise<ApplicationFailure> {
  const found = await lookAtRequest(database, { runId, taskId })
  const taken = found === undefined ? '' : `: ${found.used} of ${found.size} are taken`
  const message = `${slots} slots of the pool ${pool} are not free yet${taken}`
  return ApplicationFailure.create({ message, type: slotsNotFree, nextRetryDelay })
}

/** Those whose execution is gone give back what they were granted, and others are told. */
async function tellGranted(database: Database, client: Client, granted: Grant[]): Promise<void> {
  const told = await Promise.all(
    granted
      .filter(({ isTold }) => isTold)
      .map(async (grant) => ((await tell(client, grant)) ? [] : [grant])),
  )
  await releaseEnded(database, client, told.flat())
}

async function releaseEnded(
  database: Database,
  client: Client,
  ended: readonly { runId: string }[],
): Promise<void> {
  for (const runId of new Set(ended.map((execution) => execution.runId))) {
    const { granted } = await releaseSlots(database, { runId })
    await tellGranted(database, client, granted)
  }
}

/** Returns false when the execution has ended. */
async function tell(client: Client, { workflowId, taskId }: Grant): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowId).signal('slots_granted', taskId)
    return true
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false
    throw error
  }
}

async function findEnded(client: Client, executions: readonly Execution[]): Promise<Execution[]> {
  const looked = await Promise.all(
    executions.map(async (execution) => ((await hasEnded(client, execution)) ? [execution] : [])),
  )
  return looked.flat()
}

/** By its workflow id and first run id: a reset run goes on under another run id, a new one has another first. */
async function hasEnded(client: Client, { workflowId, runId }: Execution): Promise<boolean> {
  try {
    const { closeTime, raw } = await client.workflow.getHandle(workflowId).describe()
    const firstRunId = raw.workflowExecutionInfo?.firstRunId
    return closeTime !== undefined || (Boolean(firstRunId) && firstRunId !== runId)
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true
    throw error
  }
}
