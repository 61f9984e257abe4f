import type { Graph, TaskNode } from '../../dag/graph.ts'

/** A graph of tasks that only wait for each other; upstream tasks come first. */
export function graphOf(
  upstream: Readonly<Record<string, readonly string[]>>,
  others: Readonly<Record<string, Partial<TaskNode>>> = {},
): Graph {
  const tasks = Object.entries(upstream).map(([id, ids]): TaskNode => ({
    ...{ id, kind: 'task', activity: 'count', input: { from: 'date' }, upstream: ids },
    ...{ rule: 'all_success', retries: 0, retryDelayMs: 0, retryBackoff: 1 },
    ...{ maxRetryDelayMs: null, timeoutMs: 1, heartbeatTimeoutMs: null, choices: [] },
    ...others[id],
  }))
  return { dagId: 'sample', tasks, onFailure: null }
}
