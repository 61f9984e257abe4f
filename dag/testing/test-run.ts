import type { z } from 'zod'
import { addDays, dueMs, intervalOf } from '../calendar.ts'
import { parseDailyCron } from '../cron.ts'
import { callbackOfRun } from '../callbacks.ts'
import type { Dag } from '../define-dag.ts'
import { explain } from '../explain.ts'
import type { Graph, TaskNode } from '../graph.ts'
import { ClearRequest } from '../plan-clear.ts'
import type { EndedGraph } from '../plan-repair.ts'
import { planRepair } from '../plan-repair.ts'
import { resolveRun, runKeyOf } from '../resolve-run.ts'
import { alwaysPassesLatestOnly } from '../run-type.ts'
import type { TaskState, TaskStates } from '../task-state.ts'
import { judgeRun } from '../verdict.ts'
import type { Verdict } from '../verdict.ts'
import type { Fake } from './fakes.ts'
import type { Meanwhile } from './meanwhile.ts'
import { planMeanwhile } from './meanwhile.ts'
import type { TestLoop, TestLoopOptions } from './test-loop.ts'
import { createTestLoop } from './test-loop.ts'

export { after, fails, skips } from './fakes.ts'

export interface TestRunOptions {
  /** The DAG's start date by default, or 2025-01-01 where it names none. */
  readonly date?: string
  readonly params?: unknown
  /** What each task returns, by task id. */
  readonly fakes?: Readonly<Record<string, Fake>>
  /**
   * Of tasks without a fake. `succeed`: they do at once; branches choose all they may, and short
   * circuits, sensors and approvals let all through. By default each that starts is an error.
   */
  readonly others?: 'succeed'
  /** `schedule` by default, or `manual` in a DAG without one. */
  readonly trigger?: 'schedule' | 'backfill' | 'manual'
  /** When the run starts, as an ISO instant; by default when the schedule has it start. */
  readonly now?: string
  /** What people do while it runs, by the time since its start. */
  readonly meanwhile?: readonly Meanwhile[]
  /** Goes on from a run that has ended, as after `daybook clear`. */
  readonly repairs?: Repairs
}

export interface Repairs {
  readonly run: TestedRun
  /** What is cleared, or marked; by default all that failed and what comes after it. */
  readonly clear?: Omit<z.input<typeof ClearRequest>, 'by'>
}

export interface TestedRun {
  readonly date: string
  readonly state: Verdict['state']
  readonly summary: string
  readonly failedTasks: readonly string[]
  readonly tasks: Readonly<Record<string, TaskState>>
  readonly reasons: Readonly<Record<string, string>>
  /** Why a task is in its state, back to the first cause. */
  readonly why: (taskId: string) => string
  /** Ids of the tasks in the order in which they started; again if they were cleared. */
  readonly order: readonly string[]
  /** What the activity of each task got, last; and the callbacks: `on_failure`, `load:on_success`. */
  readonly inputs: Readonly<Record<string, unknown>>
  readonly outputs: Readonly<Record<string, unknown>>
  /** How often each fake was asked. */
  readonly attempts: Readonly<Record<string, number>>
  /** How long the run took, on the virtual clock. */
  readonly elapsedMs: number
  readonly graph: Graph
  readonly states: TaskStates
}

/**
 * Runs a DAG without a server: the same decisions as in production, fakes instead of activities, and
 * a clock that leaps from one event to the next. docs/testing-dags.md says what it leaves out.
 * @throws Error for a fake of an unknown task, a task without a fake, a run that could not start
 */
export async function testRun(dag: Dag, options: TestRunOptions = {}): Promise<TestedRun> {
  const run = prepareRun(dag, options)
  const loop = createTestLoop(run)
  const { runTimeoutMs } = run.graph
  if (runTimeoutMs !== undefined) {
    const reason = `the run took longer than ${runTimeoutMs / 1_000} s`
    loop.clock.after(runTimeoutMs, ':run', () => loop.apply({ type: 'run_timed_out', reason }))
  }
  const assertAllDone = planMeanwhile(loop, run.graph, options.meanwhile ?? [])
  loop.apply({ type: 'run_started' })
  await loop.clock.runUntil(loop.isDone)
  assertAllDone()
  return resultOf(run, loop)
}

function prepareRun(dag: Dag, options: TestRunOptions): TestLoopOptions {
  const date = options.date ?? options.repairs?.run.date ?? dag.startDate ?? '2025-01-01'
  const trigger = options.trigger ?? (dag.schedule ? 'schedule' : 'manual')
  const startedMs = options.now === undefined ? startOf(dag, date) : instantOf(options.now)
  const resolved = resolveRun(dag, {
    ...{ workflowId: runKeyOf(dag.id, date), trigger, nowMs: startedMs, scheduledMs: undefined },
    inputs: [{ date, params: options.params }],
  })
  if (!resolved.isValid) throw new Error(resolved.problem)
  const repair = options.repairs && repairOf(dag, options.repairs)
  const graph = repair?.graph ?? dag.graph
  return {
    ...{ graph, date, params: resolved.params, startedMs, states: repair?.states },
    outputs: options.repairs?.run.outputs ?? {},
    latestUntilMs: alwaysPassesLatestOnly(trigger)
      ? null
      : intervalOf(addDays(date, 1), dag.timeZone).endMs,
    ...findFakes(graph, options),
  }
}

function startOf({ schedule, timeZone }: Dag, date: string): number {
  if (schedule === null) return intervalOf(date, timeZone).endMs
  return dueMs(date, parseDailyCron(schedule.cron), timeZone)
}

function instantOf(text: string): number {
  const instantMs = Date.parse(text)
  if (!Number.isNaN(instantMs)) return instantMs
  throw new Error(`now is "${text}", which is no instant; write it like 2025-12-14T02:00:00Z`)
}

function repairOf({ graph }: Dag, { run, clear }: Repairs): EndedGraph {
  const request = ClearRequest.parse({ ...clear, by: 'test' })
  const plan = planRepair(run, graph, request)
  if ('problem' in plan) throw new Error(`The run cannot be repaired: ${plan.problem}`)
  return plan
}

function findFakes(
  graph: Graph,
  { fakes = {}, others }: TestRunOptions,
): Pick<TestLoopOptions, 'fakeOf' | 'hasFake'> {
  const ids = graph.tasks.filter((task) => task.kind !== 'latest_only').map((task) => task.id)
  const unknown = Object.keys(fakes).filter((id) => !ids.includes(id))
  if (unknown.length > 0) {
    throw new Error(
      `There are fakes for ${unknown.join(', ')}; ${graph.dagId} takes fakes for ${ids.join(', ')}`,
    )
  }
  return {
    hasFake: ({ id }) => Object.hasOwn(fakes, id) || others === 'succeed',
    fakeOf: (task) => {
      if (Object.hasOwn(fakes, task.id)) return fakes[task.id]
      if (others === 'succeed') return successOf(task)
      throw new Error(
        `${graph.dagId}: ${task.id} starts and has no fake; give fakes.${task.id} what ` +
          `${task.activity} returns, or say others: 'succeed'`,
      )
    },
  }
}

function successOf({ kind, choices }: TaskNode): Fake {
  switch (kind) {
    case 'branch':
      return choices
    case 'approval':
      return 'approve'
    case 'sensor':
    case 'short_circuit':
      return true
    case 'task':
    case 'dag_run':
    case 'mapped':
    case 'latest_only':
      return undefined
  }
}

function resultOf({ graph, date }: TestLoopOptions, loop: TestLoop): TestedRun {
  const states = loop.states()
  const verdict = judgeRun(graph, states, loop.end())
  const { state, summary, failedTasks } = verdict
  const entries = Object.entries(states)
  const run = { graph, date, runKey: runKeyOf(graph.dagId, date) }
  const told = callbackOfRun(run, verdict, { states, ends: loop.ends() })
  return {
    ...{ date, state, summary, failedTasks, graph, states },
    tasks: Object.fromEntries(entries.map(([id, status]) => [id, status.state])),
    reasons: Object.fromEntries(entries.map(([id, status]) => [id, status.reason])),
    why: (taskId) => explain(graph, states, taskId),
    order: loop.order,
    inputs: { ...loop.inputs, ...(told && { [told.activityId]: told.input }) },
    outputs: loop.outputs(),
    attempts: loop.attempts,
    elapsedMs: loop.clock.elapsedMs(),
  }
}
