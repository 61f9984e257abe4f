import { callbackOfTask, orderOfEnds } from '../callbacks.ts'
import type { Graph, TaskNode } from '../graph.ts'
import { takesPlace, taskOf } from '../graph.ts'
import type { RunEvent, TaskEnd } from '../reducer.ts'
import { initialStates, reduce } from '../reducer.ts'
import { runKeyOf } from '../resolve-run.ts'
import type { TaskStates, TaskStatus } from '../task-state.ts'
import { stateOf } from '../task-state.ts'
import type { RunEnd } from '../verdict.ts'
import { beginFakeTask } from './fake-task.ts'
import type { Fake } from './fakes.ts'
import { createTestTurns } from './test-turns.ts'
import { createVirtualClock } from './virtual-clock.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface TestLoopOptions {
  readonly graph: Graph
  readonly date: string
  readonly params: unknown
  readonly startedMs: number
  readonly latestUntilMs: number | null
  /** Of the run that this one repairs. */
  readonly states: TaskStates | undefined
  readonly outputs: Readonly<Record<string, unknown>>
  readonly fakeOf: (task: TaskNode) => Fake
  readonly hasFake: (task: TaskNode) => boolean
}

export interface TestLoop {
  readonly clock: VirtualClock
  readonly states: () => TaskStates
  readonly apply: (event: RunEvent) => void
  readonly isDone: () => boolean
  readonly end: () => RunEnd
  /** Tasks that succeeded or failed, the last one last. */
  readonly ends: () => readonly string[]
  /** Of the tasks that succeeded, and of the instances of those that failed. */
  readonly outputs: () => Readonly<Record<string, unknown>>
  readonly order: string[]
  readonly inputs: Record<string, unknown>
  readonly attempts: Record<string, number>
}

/** The run loop with a virtual clock instead of a server; its decisions are those of the real one. */
export function createTestLoop(options: TestLoopOptions): TestLoop {
  const { graph } = options
  const clock = createVirtualClock()
  const outputs = new Map(Object.entries(options.outputs))
  const started = new Set<string>()
  const turns = createTestTurns(graph.maxActiveTasks)
  const order: string[] = []
  const inputs: Record<string, unknown> = {}
  const attempts: Record<string, number> = {}
  let states = options.states ?? initialStates(graph)
  let ends = orderOfEnds([], {}, states)
  let isCancelled = false
  let timedOut: string | undefined

  const succeeded = () => [...outputs].filter(([id]) => stateOf(states, id) === 'success')
  const tasks = {
    ...options,
    ...{ clock, turns, runKey: runKeyOf(graph.dagId, options.date) },
    instancesBefore(taskId: string) {
      const [kept, returned] = [states[taskId]?.kept, outputs.get(taskId)]
      return kept && Array.isArray(returned) ? { kept, outputs: returned } : undefined
    },
    activityId: ({ id }: TaskNode) => id,
    values: () => ({ ...options, outputs: new Map(succeeded()) }),
    onAttempt(taskId: string, input: unknown) {
      inputs[taskId] = input
      attempts[taskId] = (attempts[taskId] ?? 0) + 1
    },
    onOutput: (taskId: string, output: unknown) => outputs.set(taskId, output),
    onProgress: apply,
    onEnd: endTask,
  }

  function apply(event: RunEvent): void {
    const step = reduce(graph, states, event)
    ends = orderOfEnds(ends, states, step.states)
    states = step.states
    if (event.type === 'run_cancelled') isCancelled = true
    if (event.type === 'run_timed_out') timedOut = event.reason
    for (const taskId of step.stops) stop(taskId)
    for (const { taskId, reason, skipped } of step.starts) {
      if (skipped === undefined) start(taskId)
      else skip({ type: 'task_skipped', taskId, reason, ...skipped })
    }
  }

  function start(taskId: string): void {
    started.add(taskId)
    // Instances have turns of their own, a sensor or an approval needs none.
    if (!takesPlace(taskOf(graph, taskId))) return begin(taskId)
    const hasToWait = turns.take(taskId, () => {
      if (stateOf(states, taskId) === 'queued') apply({ type: 'task_running', taskId })
      begin(taskId)
    })
    if (!hasToWait) return
    const reason = `${graph.maxActiveTasks} tasks of this run are running`
    apply({ type: 'task_queued', taskId, reason })
  }

  /** Other runs never keep a task waiting here. */
  function skip(event: TaskEnd): void {
    started.add(event.taskId)
    clock.after(0, event.taskId, () => endTask(event))
  }

  function begin(taskId: string): void {
    order.push(taskId)
    const cleared = states[taskId]?.cleared ?? 0
    clock.after(0, taskId, () => beginFakeTask(tasks, taskOf(graph, taskId), cleared))
  }

  function stop(taskId: string): void {
    turns.leaveLine(taskId)
    clock.cancel(taskId)
    clock.after(0, taskId, () => endTask({ type: 'task_cancelled', taskId }))
  }

  function endTask(event: TaskEnd): void {
    started.delete(event.taskId)
    const before = states[event.taskId]
    apply(event)
    noteCallback(event.taskId, before)
    turns.giveAll(event.taskId)
  }

  /** What the callback of a task is told stands among the inputs, by its activity id. */
  function noteCallback(taskId: string, before: TaskStatus | undefined): void {
    const run = { graph, date: options.date, runKey: tasks.runKey }
    const callback = callbackOfTask(run, taskId, before, states[taskId])
    if (callback !== undefined) inputs[callback.activityId] = callback.input
  }

  return {
    ...{ clock, apply, order, inputs, attempts },
    states: () => states,
    ends: () => ends,
    isDone: () => started.size === 0,
    end: () => ({ isCancelled, timedOut }),
    outputs: () =>
      Object.fromEntries(
        [...outputs].filter(([id]) => stateOf(states, id) === 'success' || states[id]?.ends),
      ),
  }
}
