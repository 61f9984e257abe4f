import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  rootCause,
  scheduleActivity,
  setCurrentDetails,
  startChild,
  upsertMemo,
  upsertSearchAttributes,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow'
import type { RunActivities, StartedRun } from '../activities/runs.ts'
import type { Dag, FailedRun } from '../dag/define-dag.ts'
import { addDays, dueMs, intervalOf } from '../dag/calendar.ts'
import { parseDailyCron } from '../dag/cron.ts'
import { resolveRun } from '../dag/resolve-run.ts'
import type { ResolvedRun } from '../dag/resolve-run.ts'
import type { Intervention, Interventions } from '../dag/run-loop/interventions.ts'
import { acceptInterventions } from '../dag/run-loop/interventions.ts'
import type { Questions } from '../dag/run-loop/questions.ts'
import { acceptQuestions } from '../dag/run-loop/questions.ts'
import type { GraphOutcome } from '../dag/run-loop/run-graph.ts'
import { runGraph } from '../dag/run-loop/run-graph.ts'
import type { Slots } from '../dag/run-loop/slots.ts'
import { createSlots } from '../dag/run-loop/slots.ts'
import type { TaskState, TaskStates } from '../dag/task-state.ts'
import type { Verdict } from '../dag/verdict.ts'
import { judgeRun } from '../dag/verdict.ts'
import { failureTypes } from '../domain/failures.ts'

export interface RunResult {
  runKey: string
  dagId: string
  date: string
  state: 'success'
  /** `success`, or `success with failed tasks: …`. */
  summary: string
  tasks: Record<string, TaskState>
  failedTasks: string[]
}

const { startRun, setRunState, recordIntervention, closeRun } = proxyLocalActivities<RunActivities>(
  {
    startToCloseTimeout: '30 seconds',
  },
)

const { awaitRun } = proxyActivities<RunActivities>({
  activityId: 'await_run',
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '30 seconds',
})

type OpenRun = Extract<StartedRun, { role: 'run' }>

/**
 * The workflow of a DAG. An execution whose id is the run key (`<dag_id>/<date>`) is the run; one
 * with any other id starts that run as its child, or joins it if it is running, and ends like it.
 */
export function dagWorkflow(dag: Dag): (...inputs: unknown[]) => Promise<RunResult> {
  return async (...inputs) => {
    const people = { questions: acceptQuestions(), interventions: acceptInterventions() }
    const started = await beginRun(dag, resolveRun(dag, currentDoor(inputs)))
    if (started.role === 'run') return executeRun(started, people)
    const words = `this execution only leads to ${started.runKey}: turn to that one`
    people.interventions.refuse(words)
    people.questions.answerWith(words)
    return followRun(started)
  }
}

function currentDoor(inputs: readonly unknown[]) {
  const { workflowId, startTime, searchAttributes, memo } = workflowInfo()
  const scheduled = searchAttributes['TemporalScheduledStartTime']?.[0]
  const trigger = memo?.['daybookTrigger']
  return {
    workflowId,
    inputs,
    scheduledMs: scheduled instanceof Date ? scheduled.getTime() : undefined,
    trigger: typeof trigger === 'string' ? trigger : undefined,
    nowMs: startTime.getTime(),
  }
}

/**
 * The first command of every execution. What it answers is recorded, and only that is used from then
 * on: later code may know another graph or other time zones.
 */
async function beginRun(dag: Dag, resolved: ResolvedRun): Promise<StartedRun> {
  const { runId, startTime } = workflowInfo()
  try {
    return await CancellationScope.nonCancellable(() =>
      startRun({
        resolved,
        dagId: dag.id,
        runId,
        startedMs: startTime.getTime(),
        graph: dag.graph,
        maxActiveRuns: dag.maxActiveRuns,
        latestUntilMs: resolved.isValid ? endOfNextInterval(dag, resolved.date) : null,
        dueMs: resolved.isValid ? dueOf(dag, resolved.date) : null,
      }),
    )
  } catch (error) {
    throw error instanceof ActivityFailure ? (error.cause ?? error) : error
  }
}

function dueOf({ schedule, timeZone }: Dag, date: string): number | null {
  return schedule && dueMs(date, parseDailyCron(schedule.cron), timeZone)
}

function endOfNextInterval({ timeZone }: Dag, date: string): number {
  return intervalOf(addDays(date, 1), timeZone).endMs
}

/** How people reach an execution, from its first moment on. */
interface People {
  readonly questions: Questions
  readonly interventions: Interventions
}

async function executeRun(run: OpenRun, { questions, interventions }: People): Promise<RunResult> {
  const slots = createSlots(run.date)
  await waitForTurn(run, slots, questions)
  if (run.hasSearchAttributes) showState(run, 'running')
  const outcome = await runGraph({ ...run, slots }, (controls) => {
    const { runId } = workflowInfo()
    const recordIn = (made: Intervention) =>
      recordIntervention({ ...made, runId, runKey: run.runKey })
    interventions.connect(controls, recordIn)
    questions.connect(controls)
  })
  interventions.end()
  const verdict = judgeRun(run.graph, outcome.states, outcome)
  await CancellationScope.nonCancellable(() => endRun(run, outcome, verdict))
  if (isLimited(run)) await CancellationScope.nonCancellable(() => slots.release(ownPlace))
  if (verdict.state === 'cancelled') return CancellationScope.current().cancelRequested
  const result = resultOf(run, outcome.states, verdict)
  if (verdict.state === 'success') return result
  const message = `${run.runKey} failed: ${verdict.summary}`
  throw ApplicationFailure.nonRetryable(message, failureTypes.dagRunFailed, {
    ...result,
    state: verdict.state,
  })
}

/** The id under which a run itself holds a slot, among those of its tasks. */
const ownPlace = ''

/** Runs recorded before there was a limit have none. */
function isLimited(run: OpenRun): run is OpenRun & { maxActiveRuns: number } {
  return (run.maxActiveRuns ?? null) !== null
}

/** No more runs of a DAG are active than it allows, whoever started them; the oldest date goes first. */
async function waitForTurn(run: OpenRun, slots: Slots, questions: Questions): Promise<void> {
  if (!isLimited(run)) return
  const { runId } = workflowInfo()
  const wanted = { taskId: ownPlace, name: `dag:${run.graph.dagId}`, slots: 1, priority: 0 }
  let hasWaited = false
  let told: Promise<void> | undefined
  try {
    await slots.acquire({ ...wanted, poolSlots: run.maxActiveRuns }, () => {
      hasWaited = true
      if (run.hasSearchAttributes) showState(run, 'queued')
      const words = `the run waits: max_active_runs of ${run.graph.dagId} is ${run.maxActiveRuns}`
      setCurrentDetails(words)
      questions.answerWith(words)
      told = setRunState({ runId, state: 'queued' })
    })
    await told
    if (hasWaited) await setRunState({ runId, state: 'running' })
  } catch (error) {
    await CancellationScope.nonCancellable(() => endBeforeTurn(run, slots))
    throw error
  }
}

async function endBeforeTurn(run: OpenRun, slots: Slots): Promise<void> {
  await slots.release(ownPlace)
  const outcome = { states: {}, outputs: {}, isCancelled: true, timedOut: undefined }
  const summary = 'cancelled while it waited for other runs of its DAG'
  await endRun(run, outcome, { state: 'cancelled', failedTasks: [], summary })
}

async function endRun(run: OpenRun, outcome: GraphOutcome, verdict: Verdict): Promise<void> {
  const problem = verdict.state === 'failed' ? await tellOfFailure(run, verdict) : undefined
  if (run.hasSearchAttributes) showState(run, verdict.state)
  const { failedTasks, summary } = verdict
  // Shown by the server without a worker; a memo is meant to stay below 2 KB.
  upsertMemo({ daybook: { date: run.date, state: verdict.state, summary: summary.slice(0, 500) } })
  await closeRun({
    ...{ runId: workflowInfo().runId, runKey: run.runKey, dagId: run.graph.dagId, date: run.date },
    ...{ trigger: run.trigger, startedMs: workflowInfo().startTime.getTime(), graph: run.graph },
    ...{ state: verdict.state, failedTasks: [...failedTasks], taskStates: outcome.states },
    outputs: outcome.outputs,
    error:
      verdict.state === 'success' && failedTasks.length === 0
        ? null
        : withProblem(summary, problem),
  })
}

function withProblem(summary: string, problem: string | undefined): string {
  return problem === undefined ? summary : `${summary}; telling of it failed too: ${problem}`
}

/** Returns what went wrong with telling, which must never hide why the run failed. */
async function tellOfFailure(run: OpenRun, verdict: Verdict): Promise<string | undefined> {
  const { onFailure, dagId } = run.graph
  if (onFailure === null) return undefined
  const failedTasks = [...verdict.failedTasks]
  const { date, runKey } = run
  const input: FailedRun = { dagId, date, runKey, failedTasks, reason: verdict.summary }
  try {
    await scheduleActivity(onFailure, [input], {
      activityId: 'on_failure',
      summary: 'on_failure',
      startToCloseTimeout: '5 minutes',
      retry: { maximumAttempts: 3 },
    })
    return undefined
  } catch (error) {
    return rootCause(error) ?? String(error)
  }
}

function showState(run: OpenRun, state: string): void {
  upsertSearchAttributes({
    DaybookDag: [run.graph.dagId],
    DaybookDate: [run.date],
    DaybookState: [state],
    DaybookTrigger: [run.trigger],
  })
}

function resultOf(run: OpenRun, states: TaskStates, verdict: Verdict): RunResult {
  const tasks = Object.entries(states).map(([id, { state }]): [string, TaskState] => [id, state])
  return {
    runKey: run.runKey,
    dagId: run.graph.dagId,
    date: run.date,
    state: 'success',
    summary: verdict.summary,
    tasks: Object.fromEntries(tasks),
    failedTasks: [...verdict.failedTasks],
  }
}

/** Starts the run that this execution stands for, or joins it; ends as it ends. */
async function followRun({
  dagId,
  runKey,
  trigger,
  input,
}: Extract<StartedRun, { role: 'door' }>): Promise<RunResult> {
  try {
    const child = await startChild<(input: unknown) => Promise<RunResult>>(dagId, {
      workflowId: runKey,
      args: [input],
      memo: { daybookTrigger: trigger },
      // The run outlives whoever asked for it.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    })
    return await child.result()
  } catch (error) {
    if (isAlreadyStarted(error)) return joinRun(runKey)
    throw asRunFailure(error)
  }
}

/** By name: the workflow package does not export the class. */
export function isAlreadyStarted(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError'
}

async function joinRun(runKey: string): Promise<RunResult> {
  try {
    return await awaitRun({ runKey })
  } catch (error) {
    throw asRunFailure(error)
  }
}

/** The failure of the run itself, so that a door fails with the words of its run. */
function asRunFailure(error: unknown): unknown {
  if (isCancellation(error)) return error
  if (!(error instanceof ChildWorkflowFailure || error instanceof ActivityFailure)) return error
  return error.cause ?? error
}
