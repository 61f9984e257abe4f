import type { Graph, TaskNode } from './graph.ts'
import { withDownstream } from './graph.ts'

const known = new WeakMap<Graph, ReadonlyMap<string, readonly TaskNode[]>>()

/**
 * For every task the ones that decide from outside whether it runs, whatever its rule: branches that
 * may choose it, and what lets nothing through when it is shut. Worked out once a graph.
 */
export function gatesOf(graph: Graph): ReadonlyMap<string, readonly TaskNode[]> {
  const found = known.get(graph) ?? findGates(graph)
  known.set(graph, found)
  return found
}

const shutKinds: readonly TaskNode['kind'][] = ['short_circuit', 'latest_only', 'approval']

function findGates(graph: Graph): ReadonlyMap<string, readonly TaskNode[]> {
  const gates = graph.tasks
    .filter((task) => task.kind === 'branch' || shutKinds.includes(task.kind))
    .map((gate) => ({ gate, behind: behindGate(graph, gate) }))
  return new Map(
    graph.tasks.map(({ id }) => [
      id,
      gates.filter(({ behind }) => behind.has(id)).map(({ gate }) => gate),
    ]),
  )
}

/** Teardowns run also where nothing is let through; a branch may leave them out like any other task. */
function behindGate(graph: Graph, gate: TaskNode): ReadonlySet<string> {
  if (gate.kind === 'branch') return new Set(gate.choices)
  const after = withDownstream(graph, [gate.id])
  const behind = graph.tasks
    .filter((task) => !task.teardown && task.id !== gate.id)
    .filter(({ id, upstream }) =>
      gate.skips === 'direct_downstream' ? upstream.includes(gate.id) : after.has(id),
    )
  return new Set(behind.map((task) => task.id))
}
