import type { ClearedTask, ClearRequest } from '../dag/plan-clear.ts'
import { planClear } from '../dag/plan-clear.ts'
import type { RepairPlan } from '../dag/plan-repair.ts'
import { leftAsTheyAre, planRepair } from '../dag/plan-repair.ts'
import { resolveRun } from '../dag/resolve-run.ts'
import type { TaskStates } from '../dag/task-state.ts'
import { readEndedRun } from '../platform/ended-run.ts'
import type { LiveRun } from '../schedules/intervene.ts'
import {
  InterventionRefused,
  liveOrEnded,
  unlessStarted,
  updateRun,
} from '../schedules/intervene.ts'
import { findDag } from '../schedules/schedules.ts'
import type { RunHandle } from '../schedules/start-run.ts'
import { startRun } from '../schedules/start-run.ts'
import type { Connections } from './connect.ts'
import type { RunOfDay } from './intervene.ts'
import { assertBegun } from './intervene.ts'
import { unknownDag } from './known-dag.ts'
import { findRun } from './recorded-run.ts'

/** A clear or a mark, and what it changes of the params. */
export interface Wanted {
  readonly request: ClearRequest
  readonly patch?: Readonly<Record<string, unknown>>
}

export interface PlannedRepair {
  readonly isLive: boolean
  readonly tasks: readonly ClearedTask[]
  /** What keeps its result though something before it runs again. */
  readonly left: readonly ClearedTask[]
  /** When they are other ones than the run was started with. */
  readonly params?: unknown
}

export interface MadeRepair {
  readonly isLive: boolean
  readonly tasks: readonly ClearedTask[]
  /** The new execution of a run that had ended. */
  readonly handle?: RunHandle
}

/** What a clear would do, without doing it. */
export function planRunRepair(
  to: Connections,
  run: RunOfDay,
  wanted: Wanted,
): Promise<PlannedRepair> {
  return liveOrEnded<PlannedRepair>(to.client, run.run_key, {
    live: async (live) => planLive(to, run, live, wanted),
    async ended() {
      const { plan, states, params } = await planEnded(to, run, wanted)
      const left = leftAsTheyAre(plan.graph, states, plan.tasks)
      return { isLive: false, tasks: plan.tasks, left, ...(params && { params }) }
    },
  })
}

/** Clears or marks tasks of a run: at once if it goes on, else by a new execution that does. */
export function repairRun(to: Connections, run: RunOfDay, wanted: Wanted): Promise<MadeRepair> {
  const { request } = wanted
  return liveOrEnded<MadeRepair>(to.client, run.run_key, {
    async live(live) {
      await assertLiveCan(to, run, live, wanted)
      const taken = await updateLive(live, request)
      return taken && { isLive: true, tasks: taken.answer ?? [] }
    },
    async ended() {
      const { plan, params } = await planEnded(to, run, wanted)
      const { taskQueue } = to.config.temporal
      const day = { dagId: run.dag_id, date: run.logical_date, taskQueue }
      const handle = await unlessStarted(() =>
        startRun(to.client, { ...day, clear: request, ...(params && { params }) }),
      )
      return handle && { isLive: false, tasks: plan.tasks, handle }
    },
  })
}

function updateLive(live: LiveRun, request: ClearRequest) {
  const { tasks, downstream, upstream, onlyFailed, by, reason, mark } = request
  if (mark === undefined) {
    const input = { tasks, downstream, upstream, onlyFailed, by, reason }
    return updateRun<ClearedTask[]>(live, 'clear', input)
  }
  return updateRun<undefined>(live, 'mark', { tasks, state: mark, by, reason })
}

async function planLive(
  to: Connections,
  run: RunOfDay,
  live: LiveRun,
  wanted: Wanted,
): Promise<PlannedRepair | undefined> {
  await assertLiveCan(to, run, live, wanted)
  const row = await findRun(to.database, live.runId)
  if (row === undefined) {
    throw new InterventionRefused(`${run.run_key} has just been started: nothing of it has run yet`)
  }
  const states = await live.handle.query<TaskStates>('state')
  const plan = planClear(row.graph, states, wanted.request)
  if ('problem' in plan) throw new InterventionRefused(`${run.run_key}: ${plan.problem}`)
  return { isLive: true, ...plan, left: leftAsTheyAre(row.graph, states, plan.tasks) }
}

async function assertLiveCan(
  to: Connections,
  run: RunOfDay,
  live: LiveRun,
  { request, patch }: Wanted,
): Promise<void> {
  await assertBegun(to, live, run.dag_id)
  if (request.graph === 'recorded' && patch === undefined) return
  throw new InterventionRefused(
    `${run.run_key} goes on, with the tasks and the params that it began with: ` +
      'other ones (--latest, --params) can be had when it has ended',
  )
}

interface EndedPlan {
  readonly plan: RepairPlan
  readonly states: TaskStates
  readonly params: Readonly<Record<string, unknown>> | undefined
}

async function planEnded(
  to: Connections,
  { run_key, dag_id, logical_date }: RunOfDay,
  { request, patch }: Wanted,
): Promise<EndedPlan> {
  const ended = await readEndedRun(to.database, run_key)
  if (ended === undefined) {
    throw new InterventionRefused(
      `${run_key} never came to its end, so there is nothing to go on from: ` +
        `\`daybook run ${logical_date} --dag ${dag_id}\` begins anew`,
    )
  }
  const dag = findDag(dag_id)
  if (dag === undefined && request.graph !== 'recorded') throw unknownDag(dag_id)
  const plan = planRepair(ended, dag?.graph ?? ended.graph, request)
  if ('problem' in plan) throw new InterventionRefused(`${run_key}: ${plan.problem}`)
  const params = patch && { ...ended.params, ...patch }
  if (dag !== undefined && params !== undefined) {
    const inputs = [{ date: logical_date, params }]
    const door = { workflowId: run_key, scheduledMs: undefined, trigger: undefined }
    const resolved = resolveRun(dag, { ...door, inputs, nowMs: Date.now() })
    if (!resolved.isValid) throw new InterventionRefused(resolved.problem)
  }
  return { plan, states: ended.states, params }
}
