import type { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/activity'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import type { createSlotActivities } from '../activities/slots.ts'
import { AttemptPlan, slotHolder, slotsNotFree } from '../dag/retry-delay.ts'
import type { Database } from '../platform/database.ts'
import { throughOutages } from './through-outages.ts'
import { withHeartbeats } from './with-heartbeats.ts'

type Slots = ReturnType<typeof createSlotActivities>

/** Between two looks of a sensor for slots: they are held for it from when it is let in. */
const longestSlotPollMs = 2_000

/**
 * A task has its slots only while it runs: a try that failed, and a look that found nothing, gives
 * them back, and the next one takes them again. Nothing of it is an event of the run's history.
 */
export function createSlotInterceptor(
  database: Database,
  slots: Slots,
): ActivityInterceptorsFactory {
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const { info } = context
        const plan = AttemptPlan.safeParse(input.args[1]).data
        if (plan?.slots === undefined || info.isLocal) return next(input)
        const holder = slotHolder(plan.cleared ?? 0, (plan.triesBefore ?? 0) + info.attempt)
        const isTold = plan.pokeIntervalMs === undefined
        const wanted = { ...plan.slots, holder, isTold }
        // The run has taken those of the first try.
        if (info.attempt > 1) {
          await withHeartbeats(context, () =>
            throughOutages(context, database, () => take(slots, wanted, plan, info)),
          )
        }
        try {
          return await next(input)
        } catch (error) {
          // What cannot be given back now the next try has, or the run gives back at the end.
          await slots.releaseSlots(wanted).catch(() => undefined)
          throw error
        }
      },
    },
  })
}

type Wanted = Parameters<Slots['requestSlots']>[0]

/** @throws SlotsNotFree; a sensor looks again soon, for other tasks the run waits until it is told */
async function take(
  slots: Slots,
  wanted: Wanted,
  { pokeIntervalMs }: AttemptPlan,
  { attempt }: Context['info'],
): Promise<void> {
  if ((await slots.requestSlots(wanted)).isGranted) return
  if (pokeIntervalMs === undefined) {
    const message = `${wanted.slots} slots of the pool ${wanted.pool} are not free`
    throw ApplicationFailure.nonRetryable(message, slotsNotFree, { triesUsed: attempt - 1 })
  }
  await awaitGrant(slots, wanted, Math.min(pokeIntervalMs, longestSlotPollMs))
}

/** Whoever waits also gives back what terminated runs hold. */
async function awaitGrant(slots: Slots, wanted: Wanted, nextRetryDelay: number): Promise<void> {
  try {
    await slots.awaitSlots(wanted)
  } catch (error) {
    if (!(error instanceof ApplicationFailure) || error.type !== slotsNotFree) throw error
    throw ApplicationFailure.create({ message: error.message, type: slotsNotFree, nextRetryDelay })
  }
}
