import { holdAgainstCalendar } from '../dag/hold-against-calendar.ts'
import type { CatchUpDag } from '../dag/plan-catch-up.ts'
import { historyStart, missingWithRoom, tickIdOf } from '../dag/plan-catch-up.ts'
import { readHolders } from '../platform/day-facts.ts'
import type { Servers } from '../platform/read-ledger.ts'
import { describeExecution, readFirstScheduledDate, readLedger } from '../platform/read-ledger.ts'
import { readSchedule } from '../platform/read-schedule.ts'

export interface MissingDay {
  readonly dagId: string
  readonly date: string
  /** The id that the tick of the date has: whoever comes second finds it taken. */
  readonly workflowId: string
}

export type CatchUpActivities = ReturnType<typeof createCatchUpActivities>

export function createCatchUpActivities(servers: Servers) {
  return {
    /** The dates to start now, oldest first: due, without any run, and not more than there is room for. */
    async findMissing({ dags }: { dags: readonly CatchUpDag[] }): Promise<MissingDay[]> {
      const found: MissingDay[] = []
      for (const dag of dags) found.push(...(await missingDays(servers, dag, Date.now())))
      return found
    },
  }
}

async function missingDays(
  servers: Servers,
  dag: CatchUpDag,
  nowMs: number,
): Promise<MissingDay[]> {
  const { database, client } = servers
  const schedule = await readSchedule(client, dag.id)
  if (schedule === undefined || schedule.isPaused) return []
  const firstScheduled = await readFirstScheduledDate(database, dag.id)
  const scheduleMadeMs = schedule.createdMs
  const from = historyStart(dag, { nowMs, firstScheduled, scheduleMadeMs })
  if (from === undefined) return []
  const report = await holdAgainstCalendar(dag, { nowMs, from }, (asked) =>
    readLedger(servers, asked),
  )
  const undone = [...report.running, ...report.gaps.map(({ date }) => date)]
  const holders = await readHolders(servers, dag.id, undone)
  const isHeld = (date: string) => holders.has(date)
  const { missing, room } = missingWithRoom(report, dag, isHeld)
  const days: MissingDay[] = []
  for (const date of missing) {
    if (days.length >= room) break
    const workflowId = tickIdOf(dag, date)
    // A start that came to nothing is for people to look at.
    if ((await describeExecution(client, workflowId)) !== undefined) continue
    days.push({ dagId: dag.id, date, workflowId })
  }
  return days
}
