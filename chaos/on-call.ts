import { setTimeout as sleep } from 'node:timers/promises'
import { clearUpdate } from '../dag/run-loop/interventions.ts'
import { runKeyOf } from '../dag/resolve-run.ts'
import type { StartBackfillInput } from '../schedules/start-backfill.ts'
import { startBackfill } from '../schedules/start-backfill.ts'
import { persist } from './persist.ts'
import type { ChaosServers } from './servers.ts'
import { dagId, dates } from './shop.ts'

export type Range = Omit<StartBackfillInput, 'dagId' | 'taskQueue'>

/** What a person had to do. */
export interface Interventions {
  /** Backfills started, the first one included. */
  backfills: number
  /** Tasks started again instead of waiting for the delay between their retries. */
  cleared: number
}

const lookEveryMs = 500
/** Until every day has succeeded. Days whose tasks have used up their tries are started again meanwhile. */
const limitMs = 20 * 60_000
/** A day that fails so often fails by itself. */
const mostBackfills = 20

/**
 * Does what a person on call would: starts the backfills, starts those again that ended with failed
 * days, and clears tasks that would wait minutes for their next try. Returns when all days of the week
 * have succeeded and no run goes on. @throws Error after 20 minutes or backfills, with the states of the days
 */
export async function bringDaysHome(
  servers: ChaosServers,
  ranges: readonly Range[],
): Promise<Interventions> {
  const done: Interventions = { backfills: 0, cleared: 0 }
  const start = async (range: Range) => {
    const { client, taskQueue } = servers
    await persist(() => startBackfill(client, { ...range, dagId, taskQueue }))
    done.backfills += 1
  }
  for (const range of ranges) await start(range)
  for (const deadline = Date.now() + limitMs; ; await sleep(lookEveryMs)) {
    const states = await persist(() => dayStates(servers))
    const open = await persist(() => openWorkflows(servers))
    const isHome = dates.every((date) => states.get(date) === 'success')
    if (isHome && open.length === 0) return done
    if (Date.now() > deadline || done.backfills > mostBackfills) {
      throw new Error(`the days stay ${JSON.stringify([...states])}: ${await lastError(servers)}`)
    }
    done.cleared += await clearWaiting(servers, open).catch(() => 0)
    const isBackfilling = open.some((id) => id.startsWith('backfill/'))
    if (!isHome && !isBackfilling) await start({ from: dates[0], to: dates[6] })
  }
}

/** State of the latest run of each day. */
async function dayStates({ database }: ChaosServers): Promise<Map<string, string>> {
  const { rows } = await database.query<{ date: string; state: string }>(
    `select distinct on (logical_date) logical_date as date, state from audit.executions
     where dag_id = $1 order by logical_date, recency desc`,
    [dagId],
  )
  return new Map(rows.map(({ date, state }) => [date, state]))
}

async function lastError({ database }: ChaosServers): Promise<string> {
  const { rows } = await database.query<{ error: string }>(
    'select error from audit.pipeline_runs where error is not null order by ended_at desc limit 1',
  )
  return rows[0]?.error ?? 'no run has failed'
}

/** Ids of backfills and runs that go on. The list of Temporal may be late, so runs are asked by name. */
async function openWorkflows({ client }: ChaosServers): Promise<string[]> {
  const ids = new Set(dates.map((date) => runKeyOf(dagId, date)))
  for await (const { workflowId } of client.workflow.list({ query: `ExecutionStatus='Running'` })) {
    ids.add(workflowId)
  }
  const isOpen = await Promise.all(
    [...ids].map((id) =>
      client.workflow
        .getHandle(id)
        .describe()
        .then(
          ({ status }) => status.name === 'RUNNING',
          (error: unknown) => {
            if (error instanceof Error && error.name === 'WorkflowNotFoundError') return false
            throw error
          },
        ),
    ),
  )
  return [...ids].filter((id, index) => isOpen[index] && !isHousekeeping(id))
}

/** What schedules start every few minutes, with or without work to do. */
function isHousekeeping(workflowId: string): boolean {
  return /^(deliver_mail|start_consumers)/.test(workflowId)
}

/** A wait that a person would not accept after an outage. */
const longestWaitMs = 8_000

async function clearWaiting({ client }: ChaosServers, open: readonly string[]): Promise<number> {
  let cleared = 0
  for (const workflowId of open.filter((id) => id.startsWith(`${dagId}/`))) {
    const handle = client.workflow.getHandle(workflowId)
    const { raw } = await handle.describe()
    const waiting = (raw.pendingActivities ?? []).filter((pending) => {
      const { activityId, nextAttemptScheduleTime: next } = pending
      const isTask = !String(activityId).includes(':')
      return isTask && Number(next?.seconds ?? 0) * 1_000 > Date.now() + longestWaitMs
    })
    if (waiting.length === 0) continue
    const tasks = waiting.map(({ activityId }) => String(activityId))
    const request = { tasks, by: 'chaos', reason: 'the servers are back' }
    await handle.executeUpdate(clearUpdate, { args: [request] })
    cleared += tasks.length
  }
  return cleared
}
