import { startBackfill } from '../schedules/start-backfill.ts'
import { startRun } from '../schedules/start-run.ts'
import { pause } from './aim.ts'
import type { Scenario, Strike } from './round.ts'
import { dagId, dates } from './shop.ts'

const startsAtOnce = 20

export const duplicateStarts: Scenario = {
  name: 'duplicate_starts',
  faults: 'twenty starts of one day at once, by id, under other ids and by a schedule’s backfill',
  async strike(on) {
    for (let burst = 0; burst < on.kills; burst += 1) {
      await pause(on.random.between(300, 2_500), on.signal)
      if (on.signal.aborted) return
      const date = on.random.pick(dates)
      await Promise.all(
        Array.from({ length: startsAtOnce }, (_, index) =>
          startOnce(on, date, `${burst} ${index}`),
        ),
      )
      on.tell('start a day twenty times')
    }
  },
}

/** By one of the doors: Daybook's own, any id of Temporal's, the schedule. */
async function startOnce({ servers, random }: Strike, date: string, name: string): Promise<void> {
  const { client, taskQueue } = servers
  const door = random.below(3)
  if (door === 0) await startRun(client, { dagId, date, taskQueue })
  if (door === 1) {
    const workflowId = `started by hand ${name}`
    await client.workflow.start(dagId, { taskQueue, workflowId, args: [{ date }] })
  }
  if (door === 2) {
    // A tick of a day books the day before.
    const tick = new Date(Date.parse(`${date}T00:00:00Z`) + 26 * 3_600_000)
    const [start, end] = [new Date(tick.getTime() - 1_000), new Date(tick.getTime() + 1_000)]
    await client.schedule.getHandle(dagId).backfill({ start, end, overlap: 'ALLOW_ALL' })
  }
}

export const terminatedRuns: Scenario = {
  name: 'terminated_and_cancelled',
  faults: 'runs and backfills cancelled or terminated at random moments, then run again',
  async strike(on) {
    const { client, database } = on.servers
    for (let turn = 0; turn < on.kills; turn += 1) {
      await pause(on.random.between(200, 2_500), on.signal)
      const how = on.random.pick(['terminate', 'cancel'] as const)
      const ofWhat = on.random.pick(['run', 'run', 'run', 'backfill'] as const)
      const { rows } = await database.query<{ id: string }>(
        ofWhat === 'run'
          ? `select run_key as id from audit.pipeline_runs where state = 'running' order by run_key`
          : `select workflow_id as id from audit.backfills where state = 'running' limit 1`,
      )
      if (rows.length === 0) continue
      const handle = client.workflow.getHandle(on.random.pick(rows).id)
      // It may have ended in between.
      const isDone = await handle[how]().then(
        () => true,
        () => false,
      )
      if (isDone) on.tell(`${how} a ${ofWhat}`)
    }
  },
}

export const crossingBackfills: Scenario = {
  name: 'crossing_backfills',
  faults: 'backfills of overlapping ranges at once, one from the newest day on, days booked again',
  ranges: [
    { from: dates[0], to: dates[4], concurrency: 2 },
    { from: dates[2], to: dates[6], order: 'newest_first', concurrency: 2 },
  ],
  async strike({ servers, random, signal, kills, ...on }) {
    const { client, taskQueue } = servers
    for (let turn = 0; turn < kills; turn += 1) {
      await pause(random.between(1_000, 4_000), signal)
      if (signal.aborted) return
      const first = random.below(dates.length - 1)
      const last = random.between(first + 1, dates.length - 1)
      const [from, to] = [dates[first] ?? dates[0], dates[last] ?? dates[6]]
      const order = random.pick(['oldest_first', 'newest_first'] as const)
      const range = { from, to, order, reprocess: 'all', concurrency: 2 } as const
      await startBackfill(client, { ...range, dagId, taskQueue })
      on.tell('start a backfill that crosses others')
    }
  },
}
