import type { Client, ScheduleOptions, ScheduleUpdateOptions } from '@temporalio/client'
import { ScheduleAlreadyRunning } from '@temporalio/client'
import type { Config } from '../platform/config.ts'
import type { DaybookSchedule } from './schedules.ts'
import { schedules } from './schedules.ts'

type Target = { readonly temporal: Pick<Config['temporal'], 'taskQueue'> }

/** Creates the schedules, or brings them up to date. What a person paused stays paused. Repeatable. */
export async function applySchedules(
  client: Client,
  { temporal }: Target,
  wanted: readonly DaybookSchedule[] = schedules,
): Promise<void> {
  for (const schedule of wanted) await applySchedule(client, schedule, temporal.taskQueue)
}

async function applySchedule(
  client: Client,
  schedule: DaybookSchedule,
  taskQueue: string,
): Promise<void> {
  const options = scheduleOptions(schedule, taskQueue)
  try {
    await client.schedule.create({
      ...options,
      scheduleId: schedule.id,
      state: { note: schedule.note },
    })
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
    const handle = client.schedule.getHandle(schedule.id)
    await handle.update(({ state }) => ({ ...options, state }))
  }
}

type SharedOptions = Omit<ScheduleOptions, 'scheduleId' | 'state'> &
  Omit<ScheduleUpdateOptions, 'state'>

function scheduleOptions(schedule: DaybookSchedule, taskQueue: string): SharedOptions {
  const { id, workflowType, cron, timeZone, catchupWindow, overlap } = schedule
  return {
    spec: { cronExpressions: [cron], timezone: timeZone },
    policies: { overlap, catchupWindow },
    action: { type: 'startWorkflow', workflowType, workflowId: id, taskQueue, args: [] },
  }
}
