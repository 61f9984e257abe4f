import { z } from 'zod'
import { endOfSuccess } from '../end-of-task.ts'
import { endOfDecision, endOfWait } from '../end-of-wait.ts'
import type { TaskNode } from '../graph.ts'
import type { InstancesBefore } from '../mapped-task.ts'
import type { RunEvent, TaskEnd } from '../reducer.ts'
import type { RunValues } from '../resolve-input.ts'
import { resolveInput } from '../resolve-input.ts'
import { notYet, retryDelayAfter, taskSkipped, timeOutDelay } from '../retry-delay.ts'
import type { Fake, FakeFailure, Performed } from './fakes.ts'
import { beginMapped } from './fake-mapped.ts'
import { asPayload, failureInWords, performFake } from './fakes.ts'
import type { TestTurns } from './test-turns.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface FakeTasks {
  readonly clock: VirtualClock
  readonly turns: TestTurns
  readonly startedMs: number
  readonly latestUntilMs: number | null
  readonly values: () => RunValues
  readonly runKey: string
  /** What a clear of single instances let stay of a mapped task. */
  readonly instancesBefore: (taskId: string) => InstancesBefore | undefined
  /** As Temporal knows it: of an instance of a mapped task with its index. */
  readonly activityId: (task: TaskNode) => string
  /** @throws Error when the task has none */
  readonly fakeOf: (task: TaskNode) => Fake
  readonly hasFake: (task: TaskNode) => boolean
  readonly onAttempt: (taskId: string, input: unknown) => void
  readonly onOutput: (taskId: string, output: unknown) => void
  readonly onProgress: (event: RunEvent) => void
  readonly onEnd: (event: TaskEnd) => void
}

/** Does the work of a task with its fake, on the virtual clock, and tells how it ended. */
export async function beginFakeTask(
  tasks: FakeTasks,
  task: TaskNode,
  cleared: number,
): Promise<void> {
  const taskId = task.id
  const firstTry = { cleared, attempt: 1, deadlineMs: deadlineOf(tasks, task) }
  switch (task.kind) {
    case 'latest_only': {
      const { latestUntilMs, startedMs, clock } = tasks
      const isShut = latestUntilMs !== null && startedMs + clock.elapsedMs() > latestUntilMs
      return tasks.onEnd({ type: 'task_succeeded', taskId, isShut })
    }
    case 'approval':
      return awaitApproval(tasks, task, cleared)
    case 'mapped':
      return beginMapped(tasks, task, (instance) => tryTask(instance, task, firstTry))
    case 'sensor':
    case 'dag_run':
    case 'task':
    case 'branch':
    case 'short_circuit':
      return tryTask(tasks, task, firstTry)
  }
}

interface Try {
  readonly cleared: number
  readonly attempt: number
  /** When a sensor has waited for long enough. */
  readonly deadlineMs: number
}

function deadlineOf({ clock }: FakeTasks, { wait }: TaskNode): number {
  return wait === undefined ? Number.POSITIVE_INFINITY : clock.elapsedMs() + wait.timeoutMs
}

async function tryTask(tasks: FakeTasks, task: TaskNode, current: Try): Promise<void> {
  const { clock } = tasks
  const performed = await perform(tasks, task, current)
  const leftMs = current.deadlineMs - clock.elapsedMs()
  if (performed.tookMs > Math.min(leftMs, task.timeoutMs)) {
    const isOver = leftMs <= task.timeoutMs
    clock.after(Math.min(leftMs, task.timeoutMs), task.id, () =>
      isOver ? tasks.onEnd(endOfWait(task, 'the look took too long')) : endLate(),
    )
    return
  }
  clock.after(performed.tookMs, task.id, () => endTry(tasks, task, current, performed))

  function endLate() {
    const message = `its attempt took longer than ${task.timeoutMs / 1_000} s`
    const nextDelayMs = timeOutDelay(task.retryDelayMs)
    retry(tasks, task, current, { type: undefined, message, isFinal: false, nextDelayMs })
  }
}

async function perform(
  tasks: FakeTasks,
  task: TaskNode,
  { attempt, cleared }: Pick<Try, 'attempt' | 'cleared'>,
): Promise<Performed> {
  const fake = tasks.fakeOf(task)
  const values = tasks.values()
  const input = asPayload(resolveInput(task.input, values))
  tasks.onAttempt(task.id, input)
  return performFake(fake, input, { attempt, cleared, date: values.date })
}

function endTry(tasks: FakeTasks, task: TaskNode, current: Try, performed: Performed): void {
  if ('failure' in performed) return retry(tasks, task, current, performed.failure)
  const { output } = performed
  if (task.wait !== undefined && (output === undefined || output === null || output === false)) {
    return lookAgain(tasks, task, current, task.wait.pokeIntervalMs)
  }
  tasks.onOutput(task.id, output)
  tasks.onEnd(endOfSuccess(task, output))
}

function lookAgain(tasks: FakeTasks, task: TaskNode, current: Try, delayMs: number): void {
  if (isTooLate(tasks, current, delayMs)) {
    return tasks.onEnd(endOfWait(task, `${notYet}: not there yet`))
  }
  tryAgain(tasks, task, current, delayMs)
}

function retry(tasks: FakeTasks, task: TaskNode, current: Try, failure: FakeFailure): void {
  const taskId = task.id
  if (failure.type === taskSkipped) {
    return tasks.onEnd({ type: 'task_skipped', taskId, reason: failure.message })
  }
  const delayMs = failure.nextDelayMs ?? ownDelay(tasks, task, current)
  // A sensor is asked until its time is up.
  const isLast = task.wait === undefined && current.attempt > task.retries
  if (failure.isFinal || isLast || isTooLate(tasks, current, delayMs)) {
    return tasks.onEnd({ type: 'task_failed', taskId, reason: failureInWords(failure) })
  }
  tryAgain(tasks, task, current, delayMs)
}

function ownDelay({ runKey, activityId }: FakeTasks, task: TaskNode, { attempt }: Try): number {
  // Every look of a sensor is a try for Temporal, and no reason to wait longer.
  const tried = task.wait === undefined ? attempt : 1
  return retryDelayAfter(tried, task, { runKey, taskId: activityId(task) })
}

/** The server does not wait for a try that would come after the end. */
function isTooLate({ clock }: FakeTasks, { deadlineMs }: Try, delayMs: number): boolean {
  return clock.elapsedMs() + delayMs > deadlineMs
}

function tryAgain(tasks: FakeTasks, task: TaskNode, current: Try, delayMs: number): void {
  const next = { ...current, attempt: current.attempt + 1 }
  tasks.clock.after(delayMs, task.id, () => tryTask(tasks, task, next))
}

const Decision = z.preprocess(
  (value) => (typeof value === 'string' ? { decision: value } : value),
  z.strictObject({
    decision: z.enum(['approve', 'reject']),
    by: z.string().default('test'),
    reason: z.string().default(''),
  }),
)

async function awaitApproval(tasks: FakeTasks, task: TaskNode, cleared: number): Promise<void> {
  const { clock } = tasks
  const timeoutMs = task.wait?.timeoutMs ?? Number.POSITIVE_INFINITY
  const performed = tasks.hasFake(task)
    ? await perform(tasks, task, { attempt: 1, cleared })
    : { tookMs: Number.POSITIVE_INFINITY, output: undefined }
  if (performed.tookMs > timeoutMs) {
    clock.after(timeoutMs, task.id, () => tasks.onEnd(endOfWait(task, 'nobody decided')))
    return
  }
  const decision = 'output' in performed ? Decision.safeParse(performed.output).data : undefined
  if (decision === undefined) {
    throw new Error(
      `The fake of the approval ${task.id} decides nothing; return 'approve' or 'reject', or ` +
        'leave it out: then nobody decides in time',
    )
  }
  clock.after(performed.tookMs, task.id, () => {
    tasks.onOutput(task.id, { task: task.id, ...decision })
    tasks.onEnd(endOfDecision(task, decision))
  })
}
