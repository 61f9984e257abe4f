import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow'
import { z } from 'zod'
import type { ClearedTask, Problem } from '../plan-clear.ts'
import { runHasEnded, signature } from '../plan-clear.ts'
import type { LivePlan, LiveRequest } from '../plan-live.ts'
import { ClearInput, MarkInput, planLive } from '../plan-live.ts'
import { isActive } from '../task-state.ts'
import { Decision } from './approvals.ts'
import type { RunControls } from './run-graph.ts'

export const PauseInput = z.strictObject(signature)

export const clearUpdate = defineUpdate<ClearedTask[], [z.input<typeof ClearInput>]>('clear')
export const markUpdate = defineUpdate<ClearedTask[], [z.input<typeof MarkInput>]>('mark')
export const pauseUpdate = defineUpdate<void, [z.input<typeof PauseInput>]>('pause')
export const resumeUpdate = defineUpdate<void, [z.input<typeof PauseInput>]>('resume')
export const decideUpdate = defineUpdate<void, [z.input<typeof Decision>]>('decide')
/** What a clear or a mark would do, without doing it. */
export const planQuery = defineQuery<PlanAnswer, ['clear' | 'mark', object]>('plan')
export type PlanAnswer = LivePlan | (Problem & { readonly hasEnded: boolean })

export interface Intervention {
  readonly action: 'clear' | 'mark' | 'pause' | 'resume' | 'decide'
  readonly by: string
  readonly reason: string
  readonly detail: unknown
  /** Those of the run from now on, when it has changed them. */
  readonly params?: unknown
}

/** The run that interventions are about, from when there is one. */
export interface Interventions {
  connect(run: RunControls, record: (intervention: Intervention) => Promise<void>): void
  /** For an execution that only leads to a run. */
  refuse(why: string): void
  /** From when the run is judged: what comes now would change nothing. */
  end(): void
}

interface Connected {
  readonly run: RunControls
  readonly record: (intervention: Intervention) => Promise<void>
}

/**
 * Takes what a person may do to a run that is going on, from the first moment of the workflow on.
 * What makes no sense is refused and changes nothing. `problemOfParams` asks the code of now: it is
 * only called where nothing is replayed.
 */
export function acceptInterventions(
  problemOfParams: (params: unknown) => string | undefined,
): Interventions {
  let connected: Connected | { refusal: ApplicationFailure } | undefined
  const now = (): Connected => {
    if (connected === undefined) throw refusal('the run has not begun')
    if ('refusal' in connected) throw connected.refusal
    return connected
  }
  const access: Access = {
    now,
    async whenConnected() {
      await condition(() => connected !== undefined)
      return now()
    },
    validate() {
      const run = connected !== undefined && 'run' in connected ? connected.run : undefined
      if (run?.isTimedOut()) throw hasEnded('the run has taken too long and is ending')
    },
    assertFit({ params }) {
      const problem = params && problemOfParams(params)
      if (problem !== undefined) throw refusal(problem)
    },
  }
  acceptClears(access)
  acceptMarks(access)
  answerPlans(access)
  acceptPauses(access)
  acceptDecisions(access)
  return {
    connect: (run, record) => (connected = { run, record }),
    refuse: (why) => (connected = { refusal: refusal(why) }),
    end: () => (connected = { refusal: hasEnded('the run has ended') }),
  }
}

/** How the handlers come to the run. */
interface Access {
  readonly now: () => Connected
  /** An update can come before the run knows its graph. */
  readonly whenConnected: () => Promise<Connected>
  /** Not part of the history, like all validators: it may say what later code would not. */
  readonly validate: (raw: unknown) => void
  /** Whether the DAG takes the params of a plan; never called on replay. */
  readonly assertFit: (plan: LivePlan) => void
}

function planNow({ run }: Connected, request: LiveRequest): LivePlan {
  const { graph, states, params } = run
  const made = planLive({ graph, states: states(), params: params() }, request)
  if ('problem' in made) throw refusal(made.problem)
  return made
}

function acceptClears({ now, whenConnected, validate, assertFit }: Access): void {
  const clear = async (raw: unknown): Promise<ClearedTask[]> => {
    const { by, reason, ...selection } = parse(ClearInput, raw)
    const { run, record } = await whenConnected()
    const plan = planNow({ run, record }, { ...selection, by, reason, action: 'clear' })
    const { tasks, params } = plan
    if (params !== undefined) run.setParams(params)
    run.apply(plan.event)
    const detail = { ...selection, cleared: tasks }
    await record({ action: 'clear', by, reason, detail, ...(params && { params }) })
    return [...tasks]
  }
  const validator = (raw: unknown): void => {
    validate(raw)
    const request = parse(ClearInput, raw)
    if (request.params !== undefined) assertFit(planNow(now(), { ...request, action: 'clear' }))
  }
  const description = 'Run tasks again: {"tasks":["x"],"by":"me"}; without tasks, all that failed'
  setHandler(clearUpdate, clear, { validator, description })
}

function acceptMarks({ whenConnected, validate }: Access): void {
  const mark = async (raw: unknown): Promise<ClearedTask[]> => {
    const request = parse(MarkInput, raw)
    const { by, reason, state } = request
    const { run, record } = await whenConnected()
    const plan = planNow({ run, record }, { ...request, action: 'mark' })
    run.apply(plan.event)
    const tasks = (plan.marked ?? []).map(({ taskId }) => taskId)
    await record({ action: 'mark', by, reason, detail: { tasks, state } })
    return [...plan.tasks]
  }
  const description = 'Set the state of tasks: {"tasks":["x"],"state":"success","by":"me"}'
  setHandler(markUpdate, mark, { validator: validate, description })
}

function answerPlans({ now, validate, assertFit }: Access): void {
  const answer = (action: 'clear' | 'mark', input: object): PlanAnswer => {
    try {
      validate(input)
      const request: LiveRequest =
        action === 'clear'
          ? { action, ...parse(ClearInput, input) }
          : { action, ...parse(MarkInput, input) }
      const plan = planNow(now(), request)
      assertFit(plan)
      return plan
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error
      return { problem: error.message, hasEnded: error.type === runHasEnded }
    }
  }
  const description = 'What a clear or a mark would do; takes "clear" or "mark" and its input'
  setHandler(planQuery, answer, { description })
}

function acceptPauses({ whenConnected, validate: validator }: Access): void {
  const pausing = (isPaused: boolean) => async (raw: unknown) => {
    const { by, reason } = parse(PauseInput, raw)
    const { run, record } = await whenConnected()
    run.setPaused(isPaused)
    await record({ action: isPaused ? 'pause' : 'resume', by, reason, detail: {} })
  }
  const words = 'Start no further tasks: {"by":"me"}; running ones finish'
  setHandler(pauseUpdate, pausing(true), { validator, description: words })
  const description = 'Go on after a pause: {"by":"me"}'
  setHandler(resumeUpdate, pausing(false), { validator, description })
}

function acceptDecisions({ whenConnected, validate }: Access): void {
  const decide = async (raw: unknown): Promise<void> => {
    const decision = parse(Decision, raw)
    const { by, reason, ...detail } = decision
    const { run, record } = await whenConnected()
    assertAwaited(run, decision.task)
    run.approvals.decide(decision)
    await record({ action: 'decide', by, reason, detail })
  }
  const description = 'Approve or reject: {"task":"x","decision":"approve","by":"me"}'
  setHandler(decideUpdate, decide, { validator: validate, description })
}

function hasEnded(why: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(why, runHasEnded)
}

function refusal(why: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(why, 'BadInput')
}

function parse<T>(schema: z.ZodType<T>, raw: unknown): T {
  const parsed = schema.safeParse(raw)
  if (parsed.success) return parsed.data
  const words = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw refusal(`it does not fit: ${words.join('; ')}`)
}

function assertAwaited({ approvals, states, graph }: RunControls, task: string): void {
  if (approvals.isAwaited(task)) return
  const status = states()[task]
  if (status === undefined) throw refusal(`${graph.dagId} has no task ${task}`)
  const remedy = isActive(status) ? 'it waits for no decision' : 'only a waiting approval takes one'
  throw refusal(`${task} is ${status.state}: ${remedy}`)
}
