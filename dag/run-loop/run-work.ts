import { ActivityFailure, ApplicationFailure, scheduleActivity } from '@temporalio/workflow'
import { z } from 'zod'
import type { AttemptPlan } from '../retry-delay.ts'
import { slotsNotFree } from '../retry-delay.ts'
import { activityOptions, attemptPlan } from './activity-options.ts'
import type { Counted, Limits } from './limits.ts'

/**
 * Runs the activity of a task or an instance, which has its slots already. Tries take and give back
 * those of later tries by themselves; when they are not free the run waits for them and goes on.
 */
export async function runWork(
  counted: Counted,
  input: unknown,
  limits: Limits,
  told: Pick<AttemptPlan, 'run' | 'ended'> = {},
): Promise<unknown> {
  const { task } = counted
  if (task.activity === null) throw new Error(`${task.id} has no activity`)
  const slots = limits.slotsOfTries(counted)
  for (let triesBefore = 0; ;) {
    const plan: AttemptPlan = {
      ...{ ...attemptPlan(counted, triesBefore), ...told, ...(slots && { slots }) },
    }
    try {
      const options = activityOptions(counted, triesBefore)
      return await scheduleActivity(task.activity, [input, plan], options)
    } catch (error) {
      const triesUsed = triesWithSlots(error)
      if (triesUsed === undefined) throw error
      triesBefore += triesUsed
    }
    await limits.acquireAgain(counted, triesBefore)
  }
}

const Refused = z.object({ triesUsed: z.int().positive() })

/** How many tries an activity had before the one whose slots were not free; undefined if none was. */
function triesWithSlots(error: unknown): number | undefined {
  if (!(error instanceof ActivityFailure)) return undefined
  const { cause } = error
  if (!(cause instanceof ApplicationFailure) || cause.type !== slotsNotFree) return undefined
  return Refused.safeParse(cause.details?.[0]).data?.triesUsed
}
