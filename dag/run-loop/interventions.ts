import { ApplicationFailure, condition, defineUpdate, setHandler } from '@temporalio/workflow'
import { z } from 'zod'
import type { ClearedTask } from '../plan-clear.ts'
import { ClearSelection, planClear, runHasEnded, signature } from '../plan-clear.ts'
import { isActive } from '../task-state.ts'
import { Decision } from './approvals.ts'
import type { RunControls } from './run-graph.ts'

export const ClearInput = ClearSelection.extend(signature)
export const MarkInput = z.strictObject({
  tasks: z.array(z.string()).min(1),
  state: z.enum(['success', 'failed', 'skipped']),
  ...signature,
})
export const PauseInput = z.strictObject(signature)

export const clearUpdate = defineUpdate<ClearedTask[], [z.input<typeof ClearInput>]>('clear')
export const markUpdate = defineUpdate<void, [z.input<typeof MarkInput>]>('mark')
export const pauseUpdate = defineUpdate<void, [z.input<typeof PauseInput>]>('pause')
export const resumeUpdate = defineUpdate<void, [z.input<typeof PauseInput>]>('resume')
export const decideUpdate = defineUpdate<void, [z.input<typeof Decision>]>('decide')

export interface Intervention {
  readonly action: 'clear' | 'mark' | 'pause' | 'resume' | 'decide'
  readonly by: string
  readonly reason: string
  readonly detail: unknown
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
 * What makes no sense is refused and changes nothing.
 */
export function acceptInterventions(): Interventions {
  let connected: Connected | { refusal: ApplicationFailure } | undefined

  /** An update can come before the run knows its graph. */
  const whenConnected = async (): Promise<Connected> => {
    await condition(() => connected !== undefined)
    if (connected === undefined) throw refusal('the run has not begun')
    if ('refusal' in connected) throw connected.refusal
    return connected
  }

  setHandler(
    clearUpdate,
    async (raw) => {
      const { by, reason, ...selection } = parse(ClearInput, raw)
      const { run, record } = await whenConnected()
      const plan = planClear(run.graph, run.states(), selection)
      if ('problem' in plan) throw refusal(plan.problem)
      run.apply({ type: 'tasks_cleared', taskIds: plan.tasks.map((task) => task.taskId) })
      await record({ action: 'clear', by, reason, detail: { ...selection, cleared: plan.tasks } })
      return plan.tasks
    },
    { description: 'Run tasks again: {"tasks":["x"],"by":"me"}; without tasks, all that failed' },
  )
  setHandler(
    markUpdate,
    async (raw) => {
      const { by, reason, tasks, state } = parse(MarkInput, raw)
      const { run, record } = await whenConnected()
      const unknown = tasks.filter((id) => !Object.hasOwn(run.states(), id))
      if (unknown.length > 0) throw refusal(`${run.graph.dagId} has no task ${unknown.join(', ')}`)
      const words = `marked by ${by}${reason === '' ? '' : `: ${reason}`}`
      run.apply({ type: 'tasks_marked', taskIds: tasks, state, reason: words })
      await record({ action: 'mark', by, reason, detail: { tasks, state } })
    },
    { description: 'Set the state of tasks: {"tasks":["x"],"state":"success","by":"me"}' },
  )
  const pausing = (isPaused: boolean) => async (raw: unknown) => {
    const { by, reason } = parse(PauseInput, raw)
    const { run, record } = await whenConnected()
    run.setPaused(isPaused)
    await record({ action: isPaused ? 'pause' : 'resume', by, reason, detail: {} })
  }
  setHandler(pauseUpdate, pausing(true), {
    description: 'Start no further tasks: {"by":"me"}; running ones finish',
  })
  setHandler(resumeUpdate, pausing(false), { description: 'Go on after a pause: {"by":"me"}' })
  setHandler(
    decideUpdate,
    async (raw) => {
      const decision = parse(Decision, raw)
      const { by, reason, ...detail } = decision
      const { run, record } = await whenConnected()
      assertAwaited(run, decision.task)
      run.approvals.decide(decision)
      await record({ action: 'decide', by, reason, detail })
    },
    { description: 'Approve or reject: {"task":"x","decision":"approve","by":"me"}' },
  )

  return {
    connect: (run, record) => (connected = { run, record }),
    refuse: (why) => (connected = { refusal: refusal(why) }),
    end() {
      const why = 'the run has ended'
      connected = { refusal: ApplicationFailure.nonRetryable(why, runHasEnded) }
    },
  }
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
