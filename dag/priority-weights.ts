/** How the priorities of the tasks around it add to a task's own. */
export const weightRules = ['downstream', 'upstream', 'absolute'] as const
export type WeightRule = (typeof weightRules)[number]

export interface PrioritizedTask {
  readonly id: string
  readonly upstream: readonly string[]
  readonly priority: number
}

/**
 * Airflow's effective priorities: a task's own and, under `downstream` or `upstream`, that of every
 * distinct task behind or before it, however far and by however many ways.
 */
export function effectivePriorities(
  tasks: readonly PrioritizedTask[],
  rule: WeightRule,
): Map<string, number> {
  const own = new Map(tasks.map(({ id, priority }) => [id, priority]))
  const next = nextTasks(tasks, rule)
  return new Map(tasks.map(({ id }) => [id, sumOf(own, reachedFrom(id, next))]))
}

function nextTasks(tasks: readonly PrioritizedTask[], rule: WeightRule): Map<string, string[]> {
  const next = new Map<string, string[]>(tasks.map(({ id }) => [id, []]))
  for (const { id, upstream } of tasks) {
    if (rule === 'upstream') next.set(id, [...upstream])
    if (rule === 'downstream') for (const before of upstream) next.get(before)?.push(id)
  }
  return next
}

function reachedFrom(id: string, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  // A set may grow while it is walked.
  const reached = new Set([id])
  for (const task of reached) for (const neighbour of next.get(task) ?? []) reached.add(neighbour)
  return reached
}

function sumOf(own: ReadonlyMap<string, number>, ids: Iterable<string>): number {
  let sum = 0
  for (const id of ids) sum += own.get(id) ?? 0
  return sum
}
