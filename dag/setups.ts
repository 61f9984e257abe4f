import type { Graph, TaskNode } from './graph.ts'
import { withDownstream, withUpstream } from './graph.ts'

/** What set-ups and teardowns add to the upstream tasks that a task names itself. */
export interface Scope {
  /** Set-ups around the task that it does not name: it waits for their success, whatever its rule. */
  readonly setups: readonly string[]
  /** Tasks between a teardown and its set-ups that it does not name: it waits for their end. */
  readonly between: readonly string[]
}

const known = new WeakMap<Graph, ReadonlyMap<string, Scope>>()
const none: Scope = { setups: [], between: [] }

/** The scope of every task; worked out once a graph. */
export function scopesOf(graph: Graph): ReadonlyMap<string, Scope> {
  const found = known.get(graph) ?? findScopes(graph)
  known.set(graph, found)
  return found
}

function findScopes(graph: Graph): ReadonlyMap<string, Scope> {
  const hasSetups = graph.tasks.some((task) => task.isSetup || task.teardown)
  return new Map(graph.tasks.map((task) => [task.id, hasSetups ? scopeOf(graph, task) : none]))
}

function scopeOf(graph: Graph, task: TaskNode): Scope {
  const upstream = withUpstream(graph, [task.id])
  const isUnnamed = (id: string) => id !== task.id && !task.upstream.includes(id)
  if (task.teardown) {
    const after = withDownstream(graph, task.teardown.setups)
    return { setups: [], between: [...after].filter((id) => upstream.has(id) && isUnnamed(id)) }
  }
  const relevant = relevantSetups(graph, task).filter(isUnnamed)
  return { setups: relevant, between: [] }
}

/** Set-ups upstream of a task whose teardown comes after it, or that have none. */
export function relevantSetups(graph: Graph, task: TaskNode): string[] {
  const upstream = withUpstream(graph, [task.id])
  const downstream = withDownstream(graph, [task.id])
  return graph.tasks
    .filter((one) => one.isSetup && upstream.has(one.id) && one.id !== task.id)
    .filter((setup) => {
      const teardowns = teardownsOf(graph, setup.id)
      return teardowns.length === 0 || teardowns.some((id) => downstream.has(id))
    })
    .map((setup) => setup.id)
}

export function teardownsOf(graph: Graph, setupId: string): string[] {
  return graph.tasks.filter((task) => task.teardown?.setups.includes(setupId)).map(({ id }) => id)
}
