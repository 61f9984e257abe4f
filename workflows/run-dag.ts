import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  rootCause,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow'
import type { StartedRun } from '../activities/runs.ts'
import { callbackOfRun } from '../dag/callbacks.ts'
import type { Dag } from '../dag/define-dag.ts'
import { addDays, dueMs, intervalOf } from '../dag/calendar.ts'
import { parseDailyCron } from '../dag/cron.ts'
import { problemOfParams, resolveRun } from '../dag/resolve-run.ts'
import type { RunTimes } from '../dag/deadline.ts'
import { initialStates } from '../dag/reducer.ts'
import type { ResolvedRun } from '../dag/resolve-run.ts'
import type { Intervention, Interventions } from '../dag/run-loop/interventions.ts'
import { acceptInterventions } from '../dag/run-loop/interventions.ts'
import type { Questions } from '../dag/run-loop/questions.ts'
import { acceptQuestions } from '../dag/run-loop/questions.ts'
import type { GraphOutcome } from '../dag/run-loop/run-graph.ts'
import { runGraph } from '../dag/run-loop/run-graph.ts'
import { watchDeadline } from '../dag/run-loop/deadline.ts'
import type { Slots } from '../dag/run-loop/slots.ts'
import type { RecordEvents } from '../dag/run-loop/task-runner.ts'
import { createSlots } from '../dag/run-loop/slots.ts'
import { tell } from '../dag/run-loop/tell.ts'
import { createLocalQueue } from '../dag/run-loop/local-queue.ts'
import { followRun } from './follow-run.ts'
import type { Ledger } from './run-ledger.ts'
import { openLedger } from './run-ledger.ts'
import { waitForTurn } from './run-turn.ts'
import { showState } from './show-state.ts'
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

export type OpenRun = Extract<StartedRun, { role: 'run' }>

/**
 * The workflow of a DAG. An execution whose id is the run key (`<dag_id>/<date>`) is the run; one
 * with any other id starts that run as its child, or joins it if it is running, and ends like it.
 */
export function dagWorkflow(dag: Dag): (...inputs: unknown[]) => Promise<RunResult> {
  return async (...inputs) => {
    const inTurn = createLocalQueue()
    const ledger = openLedger(inTurn)
    const interventions = acceptInterventions((params) => problemOfParams(dag, params))
    const people = { questions: acceptQuestions(), interventions }
    const started = await beginRun(dag, resolveRun(dag, currentDoor(inputs)), ledger)
    if (started.role === 'run') {
      const slots = createSlots(started.date, inTurn)
      return executeRun({ run: started, ledger, slots, ...people })
    }
    if (started.role === 'nothing_new') return nothingNew(started)
    const words = `this execution only leads to ${started.runKey}: turn to that one`
    people.interventions.refuse(words)
    people.questions.answerWith(words)
    return followRun(started)
  }
}

function nothingNew({
  runKey,
  dagId,
  date,
}: Extract<StartedRun, { role: 'nothing_new' }>): RunResult {
  const summary = 'nothing new: the run before has taken up all events of its datasets'
  return { runKey, dagId, date, state: 'success', summary, tasks: {}, failedTasks: [] }
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
async function beginRun(
  dag: Dag,
  resolved: ResolvedRun,
  { startRun }: Ledger,
): Promise<StartedRun> {
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
        rerunWithLatestVersion: dag.rerunWithLatestVersion,
        latestUntilMs: resolved.isValid ? endOfNextInterval(dag, resolved.date) : null,
        dueMs: resolved.isValid ? dueOf(dag, resolved.date) : null,
        datasets: dag.datasets,
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

/** A run, and what it works with from its first moment on. */
export interface Execution {
  readonly run: OpenRun
  readonly ledger: Ledger
  readonly slots: Slots
  readonly questions: Questions
  readonly interventions: Interventions
}

async function executeRun(execution: Execution): Promise<RunResult> {
  const { run, ledger, slots, questions, interventions } = execution
  let states: () => TaskStates = () => run.repairs?.states ?? initialStates(run.graph)
  const watch = watchDeadline({ ...run, states: () => states() }, timesOf(run))
  try {
    await waitForTurn(execution)
  } catch (error) {
    watch.cancel()
    await CancellationScope.nonCancellable(() => condition(() => !watch.isBusy()))
    await CancellationScope.nonCancellable(() => endBeforeTurn(run, ledger, error))
    throw error
  }
  showState(run, 'running')
  const { runKey, date } = run
  const { originalExecutionRunId: runId } = workflowInfo()
  const recordEvents: RecordEvents = (written) =>
    ledger.recordDatasetEvents({ ...written, runKey, runId, date })
  const outcome = await runGraph({ ...run, slots, watch, recordEvents }, (controls) => {
    states = controls.states
    const record = (made: Intervention) =>
      // What was done is kept, also when the run is cancelled in the same moment.
      CancellationScope.nonCancellable(() =>
        ledger.recordIntervention({ ...made, runId: workflowInfo().runId, runKey: run.runKey }),
      )
    interventions.connect(controls, record)
    questions.connect(controls)
  })
  interventions.end()
  const verdict = judgeRun(run.graph, outcome.states, outcome)
  await CancellationScope.nonCancellable(() => endRun(run, ledger, outcome, verdict))
  if (verdict.state === 'cancelled') return CancellationScope.current().cancelRequested
  const result = resultOf(run, outcome.states, verdict)
  if (verdict.state === 'success') return result
  const message = `${run.runKey} failed: ${verdict.summary}`
  throw ApplicationFailure.nonRetryable(message, failureTypes.dagRunFailed, {
    ...result,
    state: verdict.state,
  })
}

function timesOf({ dueMs, averageMs = null }: OpenRun): RunTimes {
  return { dueMs, averageMs, queuedMs: workflowInfo().startTime.getTime() }
}

async function endBeforeTurn(run: OpenRun, ledger: Ledger, error: unknown): Promise<void> {
  const isCancelled = isCancellation(error)
  const outcome = { states: {}, outputs: {}, ends: [], isCancelled, timedOut: undefined }
  const summary = isCancelled
    ? 'cancelled while it waited for other runs of its DAG'
    : `it could not wait for other runs of its DAG: ${rootCause(error) ?? String(error)}`
  const state = isCancelled ? 'cancelled' : 'failed'
  await endRun(run, ledger, outcome, { state, failedTasks: [], summary })
}

async function endRun(
  run: OpenRun,
  { closeRun }: Ledger,
  outcome: GraphOutcome,
  verdict: Verdict,
): Promise<void> {
  const callback = callbackOfRun(run, verdict, outcome)
  const problem = callback && (await tell(callback))
  showState(run, verdict.state)
  const { failedTasks, summary } = verdict
  // Shown by the server without a worker; a memo is meant to stay below 2 KB.
  upsertMemo({ daybook: { date: run.date, state: verdict.state, summary: summary.slice(0, 500) } })
  await closeRun({
    ...{ runId: workflowInfo().runId, runKey: run.runKey, dagId: run.graph.dagId, date: run.date },
    ...{ trigger: run.trigger, startedMs: workflowInfo().startTime.getTime(), graph: run.graph },
    ...{ state: verdict.state, failedTasks: [...failedTasks], taskStates: outcome.states },
    outputs: outcome.outputs,
    originalRunId: workflowInfo().originalExecutionRunId,
    error:
      verdict.state === 'success' && failedTasks.length === 0 && problem === undefined
        ? null
        : withProblem(summary, problem),
  })
}

function withProblem(summary: string, problem: string | undefined): string {
  return problem === undefined ? summary : `${summary}; telling of it failed too: ${problem}`
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
