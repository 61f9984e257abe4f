import type { ClearedTask, ClearRequest } from '../dag/plan-clear.ts'
import { withGraph } from '../dag/plan-clear.ts'
import type { RepairPlan } from '../dag/plan-repair.ts'
import { leftAsTheyAre, planRepair } from '../dag/plan-repair.ts'
import { recoverRun } from '../dag/recover-run.ts'
import { problemOfParams } from '../dag/resolve-run.ts'
import type { TaskStates } from '../dag/task-state.ts'
import { readEndedRun } from '../platform/ended-run.ts'
import type { LiveRun } from '../schedules/intervene.ts'
import {
  askPlan,
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
import { unknownDag } from './known-dag.ts'

/** A clear or a mark, and what it changes of the params. */
export interface Wanted {
  readonly request: ClearRequest
  readonly patch?: Readonly<Record<string, unknown>>
}

export interface PlannedRepair {
  readonly isLive: boolean
  readonly tasks: readonly ClearedTask[]
  /** What a mark sets. */
  readonly marked?: readonly ClearedTask[]
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
    async live(live) {
      const { action, input } = liveRequest(live, wanted)
      const plan = await askPlan(live, action, input)
      return plan && { isLive: true, ...plan }
    },
    async ended() {
      const { plan, states, params } = await planEnded(to, run, wanted)
      const { tasks, marked } = plan
      const left = marked === undefined ? leftAsTheyAre(plan.graph, states, tasks) : []
      return { isLive: false, tasks, left, ...(marked && { marked }), ...(params && { params }) }
    },
  })
}

/** Clears or marks tasks of a run: at once if it goes on, else by a new execution that does. */
export function repairRun(to: Connections, run: RunOfDay, wanted: Wanted): Promise<MadeRepair> {
  return liveOrEnded<MadeRepair>(to.client, run.run_key, {
    async live(live) {
      const { action, input } = liveRequest(live, wanted)
      const taken = await updateRun<ClearedTask[]>(live, action, input)
      return taken && { isLive: true, tasks: taken.answer }
    },
    async ended() {
      const { plan, params, request } = await planEnded(to, run, wanted)
      const { taskQueue } = to.config.temporal
      const day = { dagId: run.dag_id, date: run.logical_date, taskQueue }
      const handle = await unlessStarted(() =>
        startRun(to.client, { ...day, clear: request, ...(params && { params }) }),
      )
      return handle && { isLive: false, tasks: plan.tasks, handle }
    },
  })
}

/** What the run itself takes: its graph is fixed while it goes on. */
function liveRequest({ runKey }: LiveRun, { request, patch }: Wanted) {
  const { mark, graph, params, downstream, ...selection } = request
  if (graph === 'latest' || graph === 'new_tasks') {
    throw new InterventionRefused(
      `${runKey} goes on, with the tasks that it began with: those of the code (--latest) can be ` +
        'had when it has ended',
    )
  }
  if (mark !== undefined) {
    const { tasks, upstream, by, reason } = selection
    const input = { tasks, upstream, by, reason, state: mark, downstream: downstream ?? false }
    return { action: 'mark', input } as const
  }
  const changes = params === 'given' && patch !== undefined ? { params: patch } : {}
  const input = { ...selection, downstream: downstream ?? true, ...changes }
  return { action: 'clear', input } as const
}

interface EndedPlan {
  readonly plan: RepairPlan
  readonly states: TaskStates
  readonly params: Readonly<Record<string, unknown>> | undefined
  /** It says itself which graph is meant. */
  readonly request: ClearRequest
}

async function planEnded(
  to: Connections,
  { run_key, dag_id, logical_date }: RunOfDay,
  wanted: Wanted,
): Promise<EndedPlan> {
  const record = await readEndedRun(to.database, run_key)
  if (record === undefined) {
    throw new InterventionRefused(
      `none of the tasks of ${run_key} has begun, so there is nothing to go on from: ` +
        `\`daybook run ${logical_date} --dag ${dag_id}\` begins anew`,
    )
  }
  const ended = recoverRun(record)
  const dag = findDag(dag_id)
  const byDefault = dag?.rerunWithLatestVersion ?? to.config.rerunWithLatestVersion
  const request = withGraph(wanted.request, byDefault)
  if (dag === undefined && request.graph !== 'recorded') throw unknownDag(dag_id)
  const plan = planRepair(ended, dag?.graph ?? ended.graph, request)
  if ('problem' in plan) throw new InterventionRefused(`${run_key}: ${plan.problem}`)
  const params = wanted.patch && { ...ended.params, ...wanted.patch }
  const problem = dag && params && problemOfParams(dag, params)
  if (problem !== undefined) throw new InterventionRefused(`${run_key}: ${problem}`)
  return { plan, states: ended.states, params, request }
}
