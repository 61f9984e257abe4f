import type { Graph } from './graph.ts'
import { withDownstream } from './graph.ts'
import { indexesInWords, readChoice, readIndexes } from './instances.ts'
import type { ClearedTask, ClearSelection, Problem } from './plan-clear.ts'
import type { TaskStates } from './task-state.ts'
import { isActive } from './task-state.ts'

/** The chosen tasks, each with the indexes of its chosen instances; undefined is the whole task. */
export type Choices = ReadonlyMap<string, string | undefined>

export function readChoices(tasks: readonly string[]): Choices {
  const choices = new Map<string, string | undefined>()
  for (const words of tasks) {
    const { taskId, indexes } = readChoice(words)
    const before = choices.get(taskId)
    const isWhole = indexes === undefined || (choices.has(taskId) && before === undefined)
    const both = isWhole ? [] : [...readIndexes(before ?? ''), ...readIndexes(indexes)]
    choices.set(taskId, isWhole ? undefined : indexesInWords(both))
  }
  return choices
}

export function unknownInstances(
  graph: Graph,
  states: TaskStates,
  choices: Choices,
): Problem | undefined {
  for (const [taskId, indexes] of choices) {
    if (indexes === undefined) continue
    if (graph.tasks.find(({ id }) => id === taskId)?.mapping === undefined) {
      return { problem: `${taskId} is not mapped, so it has no instance ${indexes}` }
    }
    const { ends } = states[taskId] ?? {}
    const last = readIndexes(indexes).at(-1) ?? 0
    if (ends !== undefined && last >= ends.total) {
      return { problem: `${taskId} has no instance ${last}; it has 0-${ends.total - 1}` }
    }
  }
  return undefined
}

interface Selected {
  readonly choices: Choices
  readonly whyOf: ReadonlyMap<string, string>
  readonly selection: ClearSelection
}

/** The task; of a mapped one the chosen or failed instances, if there are any, unless a task before it runs again as well. */
export function withInstances(
  graph: Graph,
  states: TaskStates,
  task: ClearedTask,
  selected: Selected,
): ClearedTask[] {
  const { taskId, state, why } = task
  const { choices, selection } = selected
  const chosen = choices.get(taskId)
  const wantsFailed = state === 'failed' && (selection.onlyFailed || selection.tasks.length === 0)
  if (chosen === undefined && !wantsFailed) return [task]
  const status = states[taskId]
  if (chosen !== undefined && isActive(status)) {
    return [{ ...task, why: `${why}; it has not ended, so all its instances start again` }]
  }
  if (selection.downstream && !selection.onlyFailed && comesAfter(graph, taskId, selected)) {
    return [chosen === undefined ? task : { ...task, why: 'downstream' }]
  }
  const ends = status?.ends
  if (ends === undefined) {
    const isMapped = graph.tasks.find(({ id }) => id === taskId)?.mapping !== undefined
    return [isMapped ? { ...task, why: `${why}; all instances, ${notKept}` } : task]
  }
  if (!selection.onlyFailed) return [{ ...task, instances: chosen ?? ends.failed }]
  const failed = new Set(readIndexes(ends.failed))
  const wanted = readIndexes(chosen ?? ends.failed).filter((one) => failed.has(one))
  return wanted.length === 0 ? [] : [{ ...task, instances: indexesInWords(wanted) }]
}

const notKept = 'since what they returned is not on record or was too large to keep'

/** Whether it would run again whole: it comes after another that was chosen, not only its own set-up. */
function comesAfter(graph: Graph, taskId: string, { whyOf }: Selected): boolean {
  const others = [...whyOf].filter(
    ([id, why]) => id !== taskId && why !== 'downstream' && !why.startsWith('set-up of'),
  )
  return withDownstream(
    graph,
    others.map(([id]) => id),
  ).has(taskId)
}
